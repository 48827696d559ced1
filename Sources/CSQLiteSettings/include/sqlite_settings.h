#ifndef HTTPSMS_SQLITE_SETTINGS_H
#define HTTPSMS_SQLITE_SETTINGS_H

#include <sqlite3.h>

/// Says whether `connection` copies the log into the database when it is the last to close (variadic in C, so Swift
/// cannot call it); gives SQLite's result code.
int httpsms_set_checkpoint_on_close(sqlite3 *connection, int is_on);

/// Has SQLite count no bytes that it allocates, which takes a lock for each (variadic in C, so Swift cannot call it); gives
/// SQLite's result code, SQLITE_MISUSE when SQLite is in use already, and then changes nothing.
int httpsms_forget_memory_statistics(void);

#endif
