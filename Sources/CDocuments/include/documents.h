#pragma once

#include <stddef.h>

/// A file that is part of the binary.
struct httpsms_document {
    /// The last part of its address under `/docs`.
    const char *_Nonnull name;
    const unsigned char *_Nonnull bytes;
    size_t count;
};

/// The file at `index`, in the order of the index page; NULL after the last.
const struct httpsms_document *_Nullable httpsms_document_at(size_t index);
