#ifndef HTTPSMS_SQLITE_SETTINGS_H
#define HTTPSMS_SQLITE_SETTINGS_H

#include <sqlite3.h>

/// Says whether `connection` copies the log into the database when it is the last to close (variadic in C, so Swift
/// cannot call it); gives SQLite's result code.
int httpsms_set_checkpoint_on_close(sqlite3 *connection, int is_on);

#endif
