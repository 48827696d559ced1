// #embed takes the bytes as they are, at no cost, and the compiler builds anew when one of the files changes. SwiftPM's
// own .embedInCode took 75 s for openapi.json and one page, on 2 cores.
#include "documents.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char quick_start_md[] = {
#embed "../../docs/quick-start.md"
};
static const unsigned char webhooks_md[] = {
#embed "../../docs/webhooks.md"
};
static const unsigned char push_md[] = {
#embed "../../docs/push.md"
};
static const unsigned char moving_from_httpsms_md[] = {
#embed "../../docs/moving-from-httpsms.md"
};
static const unsigned char https_md[] = {
#embed "../../docs/https.md"
};
static const unsigned char operations_md[] = {
#embed "../../docs/operations.md"
};
static const unsigned char architecture_md[] = {
#embed "../../docs/architecture.md"
};
static const unsigned char benchmarks_md[] = {
#embed "../../docs/benchmarks.md"
};
static const unsigned char openapi_json[] = {
#embed "../../openapi.json"
};
static const unsigned char style_css[] = {
#embed "style.css"
};
static const unsigned char Caddyfile[] = {
#embed "../../docs/examples/Caddyfile"
};
static const unsigned char haproxy_cfg[] = {
#embed "../../docs/examples/haproxy.cfg"
};
static const unsigned char nginx_conf[] = {
#embed "../../docs/examples/nginx.conf"
};

static const struct httpsms_document documents[] = {
    {"quick-start.md", quick_start_md, sizeof quick_start_md},
    {"webhooks.md", webhooks_md, sizeof webhooks_md},
    {"push.md", push_md, sizeof push_md},
    {"moving-from-httpsms.md", moving_from_httpsms_md, sizeof moving_from_httpsms_md},
    {"https.md", https_md, sizeof https_md},
    {"operations.md", operations_md, sizeof operations_md},
    {"architecture.md", architecture_md, sizeof architecture_md},
    {"benchmarks.md", benchmarks_md, sizeof benchmarks_md},
    {"openapi.json", openapi_json, sizeof openapi_json},
    {"style.css", style_css, sizeof style_css},
    {"Caddyfile", Caddyfile, sizeof Caddyfile},
    {"haproxy.cfg", haproxy_cfg, sizeof haproxy_cfg},
    {"nginx.conf", nginx_conf, sizeof nginx_conf},
};

const struct httpsms_document *httpsms_document_at(size_t index) {
    return index < sizeof documents / sizeof *documents ? &documents[index] : NULL;
}
