#include "power_cut.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, PATH_LENGTH = 1024 };

/// A write that was not synced, or a truncation to `offset` when there are no bytes.
typedef struct change {
    struct change *next;
    sqlite3_int64 offset;
    int length;
    unsigned char bytes[];
} change;

/// A file as the platter has it, and what it was told since.
typedef struct platter {
    struct platter *next;
    char path[PATH_LENGTH];
    unsigned char *bytes;
    sqlite3_int64 length;
    change *first, **end;
    /// Whether it was deleted; a power cut may undo that until something in the folder is synced, as file systems write
    /// what they know of a folder in order.
    enum { THERE, DELETED, GONE } state;
} platter;

struct power_cut_disk {
    power_cut_disk *next;
    char folder[PATH_LENGTH];
    power_cut_manner manner;
    void (*after_write)(void *, power_cut_disk *, long);
    void *context;
    long number;
    platter *files;
};

/// A file of SQLite's; the real one lies behind it in the same memory.
typedef struct {
    sqlite3_file base;
    power_cut_disk *disk;
    platter *file;
} watched_file;

static sqlite3_vfs vfs;
static sqlite3_vfs *real_vfs;
static power_cut_disk *disks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((watched_file *)file + 1); }

// MARK: The platter

static platter *find(power_cut_disk *disk, const char *path) {
    for (platter *file = disk->files; file; file = file->next)
        if (strcmp(file->path, path) == 0) return file;
    return NULL;
}

static platter *find_or_add(power_cut_disk *disk, const char *path) {
    platter *file = find(disk, path);
    if (!file) {
        file = calloc(1, sizeof *file);
        snprintf(file->path, sizeof file->path, "%s", path);
        file->end = &file->first;
        file->next = disk->files;
        disk->files = file;
    }
    return file;
}

static void remember(platter *file, const void *bytes, int length, sqlite3_int64 offset) {
    change *added = malloc(sizeof *added + (size_t)length);
    added->next = NULL;
    added->offset = offset;
    added->length = length;
    if (length) memcpy(added->bytes, bytes, (size_t)length);
    *file->end = added;
    file->end = &added->next;
}

static void resize(platter *file, sqlite3_int64 length) {
    if (length > file->length) {
        file->bytes = realloc(file->bytes, (size_t)length);
        memset(file->bytes + file->length, 0, (size_t)(length - file->length));
    }
    file->length = length;
}

static void apply(platter *file, sqlite3_int64 offset, const unsigned char *bytes, int length) {
    if (!length) {
        resize(file, offset);
        return;
    }
    if (offset + length > file->length) resize(file, offset + length);
    memcpy(file->bytes + offset, bytes, (size_t)length);
}

static void forget_changes(platter *file) {
    for (change *one = file->first, *next; one; one = next) {
        next = one->next;
        free(one);
    }
    file->first = NULL;
    file->end = &file->first;
}

static void settle(platter *file) {
    for (change *one = file->first; one; one = one->next) apply(file, one->offset, one->bytes, one->length);
    forget_changes(file);
}

/// SplitMix64.
static int coin(unsigned long long *seed) {
    unsigned long long z = (*seed += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (int)((z ^ (z >> 31)) & 1);
}

int power_cut_image(power_cut_disk *disk, unsigned long long seed, const char *destination) {
    int result = 0;
    for (platter *file = disk->files; file; file = file->next) {
        if (file->state == GONE || (file->state == DELETED && coin(&seed))) continue;
        platter left = {.length = file->length, .bytes = malloc((size_t)file->length + 1)};
        if (file->length) memcpy(left.bytes, file->bytes, (size_t)file->length);
        for (change *one = file->first; one; one = one->next) {
            if (!one->length && coin(&seed)) apply(&left, one->offset, NULL, 0);
            for (int at = 0; at < one->length; at += SECTOR) {
                int length = one->length - at < SECTOR ? one->length - at : SECTOR;
                if (coin(&seed)) apply(&left, one->offset + at, one->bytes + at, length);
            }
        }
        char path[2 * PATH_LENGTH];
        snprintf(path, sizeof path, "%s/%s", destination, strrchr(file->path, '/') + 1);
        FILE *output = fopen(path, "wb");
        if (!output || fwrite(left.bytes, 1, (size_t)left.length, output) != (size_t)left.length) result = -1;
        if (output && fclose(output)) result = -1;
        free(left.bytes);
    }
    return result;
}

static void tell(power_cut_disk *disk) {
    disk->number += 1;
    if (disk->after_write) disk->after_write(disk->context, disk, disk->number);
}

// MARK: Methods of files

static int x_close(sqlite3_file *file) { return real(file)->pMethods->xClose(real(file)); }

static int x_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
    return real(file)->pMethods->xRead(real(file), bytes, length, offset);
}

static int x_write(sqlite3_file *base, const void *bytes, int length, sqlite3_int64 offset) {
    watched_file *file = (watched_file *)base;
    if (!file->file) return real(base)->pMethods->xWrite(real(base), bytes, length, offset);
    pthread_mutex_lock(&lock);
    int code = real(base)->pMethods->xWrite(real(base), bytes, length, offset);
    if (code == SQLITE_OK) {
        remember(file->file, bytes, length, offset);
        tell(file->disk);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static int x_truncate(sqlite3_file *base, sqlite3_int64 length) {
    watched_file *file = (watched_file *)base;
    if (!file->file) return real(base)->pMethods->xTruncate(real(base), length);
    pthread_mutex_lock(&lock);
    int code = real(base)->pMethods->xTruncate(real(base), length);
    if (code == SQLITE_OK) {
        remember(file->file, NULL, 0, length);
        tell(file->disk);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static int x_sync(sqlite3_file *base, int flags) {
    watched_file *file = (watched_file *)base;
    if (!file->file) return real(base)->pMethods->xSync(real(base), flags);
    // The real disk need not be waited for: what it would keep is what this one keeps.
    pthread_mutex_lock(&lock);
    const char *suffix = strrchr(file->file->path, '-');
    int is_log = suffix && strcmp(suffix, "-wal") == 0;
    int lies = is_log ? POWER_CUT_LIES_ABOUT_LOGS : POWER_CUT_LIES_ABOUT_DATABASES;
    if (!(file->disk->manner & lies)) {
        settle(file->file);
        for (platter *one = file->disk->files; one; one = one->next)
            if (one->state == DELETED) one->state = GONE;
    }
    tell(file->disk);
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static int x_file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int x_lock(sqlite3_file *file, int level) { return real(file)->pMethods->xLock(real(file), level); }

static int x_unlock(sqlite3_file *file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }

static int x_check_reserved_lock(sqlite3_file *file, int *is_held) {
    return real(file)->pMethods->xCheckReservedLock(real(file), is_held);
}

static int x_file_control(sqlite3_file *file, int operation, void *argument) {
    return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int x_sector_size(sqlite3_file *file) { return real(file)->pMethods->xSectorSize(real(file)); }

static int x_device_characteristics(sqlite3_file *file) {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int x_shm_map(sqlite3_file *file, int page, int size, int extends, void volatile **memory) {
    return real(file)->pMethods->xShmMap(real(file), page, size, extends, memory);
}

static int x_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void x_shm_barrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }

static int x_shm_unmap(sqlite3_file *file, int deletes) {
    return real(file)->pMethods->xShmUnmap(real(file), deletes);
}

/// Version 2: with shared memory, and without memory maps, whose writes could not be seen.
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_file_size,
    .xLock = x_lock,
    .xUnlock = x_unlock,
    .xCheckReservedLock = x_check_reserved_lock,
    .xFileControl = x_file_control,
    .xSectorSize = x_sector_size,
    .xDeviceCharacteristics = x_device_characteristics,
    .xShmMap = x_shm_map,
    .xShmLock = x_shm_lock,
    .xShmBarrier = x_shm_barrier,
    .xShmUnmap = x_shm_unmap,
};

// MARK: Methods of the file system

/// The disk that has `path`; its files lie in the folder itself. For holders of the lock.
static power_cut_disk *disk_of(const char *path) {
    const char *name = path ? strrchr(path, '/') : NULL;
    for (power_cut_disk *disk = disks; name && disk; disk = disk->next) {
        size_t length = strlen(disk->folder);
        if ((size_t)(name - path) == length && strncmp(disk->folder, path, length) == 0) return disk;
    }
    return NULL;
}

static int x_open(sqlite3_vfs *self, const char *path, sqlite3_file *base, int flags, int *given) {
    (void)self;
    watched_file *file = (watched_file *)base;
    memset(file, 0, sizeof *file);
    pthread_mutex_lock(&lock);
    int exists = 0;
    power_cut_disk *disk = disk_of(path);
    if (disk) real_vfs->xAccess(real_vfs, path, SQLITE_ACCESS_EXISTS, &exists);
    int code = real_vfs->xOpen(real_vfs, path, real(base), flags, given);
    if (real(base)->pMethods) base->pMethods = &methods;
    if (disk && code == SQLITE_OK) {
        file->disk = disk;
        file->file = find_or_add(disk, path);
        if (!exists) {
            forget_changes(file->file);
            file->file->length = 0;
            file->file->state = THERE;
        }
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static int x_delete(sqlite3_vfs *self, const char *path, int syncs_folder) {
    (void)self;
    pthread_mutex_lock(&lock);
    int code = real_vfs->xDelete(real_vfs, path, syncs_folder);
    power_cut_disk *disk = disk_of(path);
    platter *file = disk && code == SQLITE_OK ? find(disk, path) : NULL;
    if (file) {
        file->state = syncs_folder ? GONE : DELETED;
        tell(disk);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static void put_in_between(void) {
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "power-cut";
    vfs.szOsFile = (int)sizeof(watched_file) + real_vfs->szOsFile;
    vfs.xOpen = x_open;
    vfs.xDelete = x_delete;
    sqlite3_vfs_register(&vfs, 1);
}

power_cut_disk *power_cut_watch(
    const char *folder, power_cut_manner manner, void (*after_write)(void *, power_cut_disk *, long), void *context) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, put_in_between);
    power_cut_disk *disk = calloc(1, sizeof *disk);
    snprintf(disk->folder, sizeof disk->folder, "%s", folder);
    disk->manner = manner;
    disk->after_write = after_write;
    disk->context = context;
    pthread_mutex_lock(&lock);
    disk->next = disks;
    disks = disk;
    pthread_mutex_unlock(&lock);
    return disk;
}

void power_cut_forget(power_cut_disk *disk) {
    pthread_mutex_lock(&lock);
    power_cut_disk **link = &disks;
    while (*link != disk) link = &(*link)->next;
    *link = disk->next;
    pthread_mutex_unlock(&lock);
    for (platter *file = disk->files, *next; file; file = next) {
        next = file->next;
        forget_changes(file);
        free(file->bytes);
        free(file);
    }
    free(disk);
}
