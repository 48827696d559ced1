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
static const unsigned char delivery_guarantees_md[] = {
#embed "../../docs/delivery-guarantees.md"
};
static const unsigned char alerts_md[] = {
#embed "../../docs/alerts.md"
};
static const unsigned char errors_md[] = {
#embed "../../docs/errors.md"
};
static const unsigned char recipes_md[] = {
#embed "../../docs/recipes.md"
};
static const unsigned char clients_md[] = {
#embed "../../docs/clients.md"
};
static const unsigned char cli_md[] = {
#embed "../../docs/cli.md"
};
static const unsigned char phones_md[] = {
#embed "../../docs/phones.md"
};
static const unsigned char push_md[] = {
#embed "../../docs/push.md"
};
static const unsigned char modem_md[] = {
#embed "../../docs/modem.md"
};
static const unsigned char forwarders_md[] = {
#embed "../../docs/forwarders.md"
};
static const unsigned char moving_from_httpsms_md[] = {
#embed "../../docs/moving-from-httpsms.md"
};
static const unsigned char self_hosting_md[] = {
#embed "../../docs/self-hosting.md"
};
static const unsigned char https_md[] = {
#embed "../../docs/https.md"
};
static const unsigned char operations_md[] = {
#embed "../../docs/operations.md"
};
static const unsigned char moving_the_server_md[] = {
#embed "../../docs/moving-the-server.md"
};
static const unsigned char scaling_md[] = {
#embed "../../docs/scaling.md"
};
static const unsigned char dashboard_md[] = {
#embed "../../docs/dashboard.md"
};
static const unsigned char settings_md[] = {
#embed "../../docs/settings.md"
};
static const unsigned char versions_md[] = {
#embed "../../docs/versions.md"
};
static const unsigned char security_md[] = {
#embed "../../docs/security.md"
};
static const unsigned char data_protection_md[] = {
#embed "../../docs/data-protection.md"
};
static const unsigned char architecture_md[] = {
#embed "../../docs/architecture.md"
};
static const unsigned char benchmarks_md[] = {
#embed "../../docs/benchmarks.md"
};
static const unsigned char comparison_md[] = {
#embed "../../docs/comparison.md"
};
static const unsigned char openapi_json[] = {
#embed "../../openapi.json"
};
static const unsigned char style_css[] = {
#embed "style.css"
};
static const unsigned char path_svg[] = {
#embed "../../docs/images/path.svg"
};
static const unsigned char shapes_svg[] = {
#embed "../../docs/images/shapes.svg"
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
static const unsigned char partitions_sql[] = {
#embed "../../docs/examples/partitions.sql"
};
static const unsigned char prometheus_alerts_yml[] = {
#embed "../../docs/examples/prometheus-alerts.yml"
};
static const unsigned char grafana_dashboard_json[] = {
#embed "../../docs/examples/grafana-dashboard.json"
};

static const struct httpsms_document documents[] = {
    {"quick-start.md", quick_start_md, sizeof quick_start_md},
    {"webhooks.md", webhooks_md, sizeof webhooks_md},
    {"delivery-guarantees.md", delivery_guarantees_md, sizeof delivery_guarantees_md},
    {"alerts.md", alerts_md, sizeof alerts_md},
    {"errors.md", errors_md, sizeof errors_md},
    {"dashboard.md", dashboard_md, sizeof dashboard_md},
    {"recipes.md", recipes_md, sizeof recipes_md},
    {"clients.md", clients_md, sizeof clients_md},
    {"cli.md", cli_md, sizeof cli_md},
    {"phones.md", phones_md, sizeof phones_md},
    {"push.md", push_md, sizeof push_md},
    {"forwarders.md", forwarders_md, sizeof forwarders_md},
    {"modem.md", modem_md, sizeof modem_md},
    {"moving-from-httpsms.md", moving_from_httpsms_md, sizeof moving_from_httpsms_md},
    {"self-hosting.md", self_hosting_md, sizeof self_hosting_md},
    {"https.md", https_md, sizeof https_md},
    {"settings.md", settings_md, sizeof settings_md},
    {"operations.md", operations_md, sizeof operations_md},
    {"moving-the-server.md", moving_the_server_md, sizeof moving_the_server_md},
    {"scaling.md", scaling_md, sizeof scaling_md},
    {"versions.md", versions_md, sizeof versions_md},
    {"security.md", security_md, sizeof security_md},
    {"data-protection.md", data_protection_md, sizeof data_protection_md},
    {"architecture.md", architecture_md, sizeof architecture_md},
    {"benchmarks.md", benchmarks_md, sizeof benchmarks_md},
    {"comparison.md", comparison_md, sizeof comparison_md},
    {"openapi.json", openapi_json, sizeof openapi_json},
    {"style.css", style_css, sizeof style_css},
    {"path.svg", path_svg, sizeof path_svg},
    {"shapes.svg", shapes_svg, sizeof shapes_svg},
    {"Caddyfile", Caddyfile, sizeof Caddyfile},
    {"haproxy.cfg", haproxy_cfg, sizeof haproxy_cfg},
    {"nginx.conf", nginx_conf, sizeof nginx_conf},
    {"partitions.sql", partitions_sql, sizeof partitions_sql},
    {"prometheus-alerts.yml", prometheus_alerts_yml, sizeof prometheus_alerts_yml},
    {"grafana-dashboard.json", grafana_dashboard_json, sizeof grafana_dashboard_json},
};

const struct httpsms_document *httpsms_document_at(size_t index) {
    return index < sizeof documents / sizeof *documents ? &documents[index] : NULL;
}
