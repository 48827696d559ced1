#ifndef HTTPSMS_POWER_CUT_H
#define HTTPSMS_POWER_CUT_H

/// A disk that remembers what a power cut would leave of the files in one folder.
///
/// It sits between SQLite and the file system (https://www.sqlite.org/vfs.html) and passes everything on; what was
/// written since a file's last sync is kept apart. The files in shared memory (`-shm`) are left out: they do not outlive a
/// machine.
typedef struct power_cut_disk power_cut_disk;

/// What a disk does when it is asked to make writes durable.
typedef enum {
    /// What it says.
    POWER_CUT_HONEST = 0,
    /// Nothing, for the logs (`-wal`).
    POWER_CUT_LIES_ABOUT_LOGS = 1,
    /// Nothing, for everything else.
    POWER_CUT_LIES_ABOUT_DATABASES = 2,
} power_cut_manner;

/// Watches the files of `folder`, which no file of was opened yet. `after_write` is called after each write, sync,
/// truncation and deletion with its number from 1, on SQLite's thread, while the disk stands still.
power_cut_disk *power_cut_watch(
    const char *folder, power_cut_manner manner,
    void (*after_write)(void *context, power_cut_disk *disk, long number), void *context);

/// Writes the files into the folder `destination` as they may be found after a power cut now. Of what was not synced,
/// each sector of 512 bytes survives or does not, as `seed` draws. For `after_write` only; gives 0, or -1 when a file
/// cannot be written.
int power_cut_image(power_cut_disk *disk, unsigned long long seed, const char *destination);

/// Watches no longer; the files are closed by then.
void power_cut_forget(power_cut_disk *disk);

#endif
