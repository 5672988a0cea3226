#include "gateway/operations_certificate.h"

#include <array>
#include <filesystem>
#include <unistd.h>

#include "crypto/secret.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/certificate_status.h"
#include "gateway/exit_code.h"
#include "gateway/mail/layout.h"
#include "gateway/net/tls_pair.h"
#include "gateway/request_fields.h"

namespace gateway {

namespace {

using nlohmann::json;

json status(const Config& config, json& /*request*/) {
    const auto now = std::chrono::system_clock::now();
    const acme::CertificateSource source = certificateSource(config);
    std::error_code ignored;
    if (source.isSelfSigned() &&
        !std::filesystem::exists(Layout(config.data).selfSignedCertificate(), ignored)) {
        return {{"certificate", nullptr}};
    }
    return {{"certificate", describeCertificate(config, certificateOnDisk(config), now)}};
}

/// The pair, as it was checked; wiped at its end.
struct Checked {
    explicit Checked(net::CertificateAndKey given) : pair(std::move(given)) {}
    ~Checked() { crypto::wipe(std::span<char>(pair.key)); }
    Checked(const Checked&) = delete;
    Checked& operator=(const Checked&) = delete;
    net::CertificateAndKey pair;
    net::CertificateFacts facts;
};

void check(const Config& config, Checked& checked) {
    const net::TlsContext usable(checked.pair.certificate, checked.pair.key, config.tls.minimum);
    checked.facts = usable.facts();
    const std::string fault =
        acme::faultOf(checked.facts, config.hostname, std::chrono::system_clock::now());
    if (!fault.empty()) {
        throw Refusal(EX_DATAERR, "the certificate was not imported: " + fault);
    }
}

net::CertificateAndKey pairIn(json& request) {
    const std::string text = fieldOf(request, "pair").value_or("");
    try {
        if (auto pair = net::readPair(text, "")) {
            return std::move(*pair);
        }
    } catch (const Error& error) {
        throw Refusal(EX_DATAERR, std::string("the certificate was not imported: ") + error.what());
    }
    throw Refusal(EX_DATAERR, "the certificate was not imported: its key has a passphrase");
}

json import(const Config& config, json& request) {
    Checked checked(pairIn(request));
    check(config, checked);
    const Layout layout(config.data);
    makeDurableDirectory(layout.tls());
    std::string whole = checked.pair.certificate + checked.pair.key;
    writeDurably(layout.importedPair(), whole);
    crypto::wipe(std::span<char>(whole));
    const auto user = request.value("user", json());
    log::notice(
        "certificate imported",
        {{"file", layout.importedPair().native()},
         {"ends", formatTimestamp(checked.facts.ends)},
         {"spki_sha256", checked.facts.publicKeySha256},
         {"by", "uid " + std::to_string(user.is_number_unsigned() ? user.get<std::uint64_t>()
                                                                  : std::uint64_t{::getuid()})}});
    json names = json::array();
    for (const std::string& name : checked.facts.names) {
        names.push_back(printable(name));
    }
    return {{"certificate",
             {{"file", layout.importedPair().native()},
              {"names", std::move(names)},
              {"issuer", printable(checked.facts.issuer)},
              {"ends", formatTimestamp(checked.facts.ends)},
              {"sha256", checked.facts.sha256},
              {"spki_sha256", checked.facts.publicKeySha256}}}};
}

json onlyByServer(const Config& config, json& /*request*/) {
    throw Refusal(
        EX_UNAVAILABLE,
        config.tls.source == Config::Tls::Source::Acme
            ? "certificates are ordered by the running server, and none runs; start it, and it "
              "orders one where one is due"
            : "the certificate is of no authority that is asked by ACME: tls.source is not "
              "\"acme\" in " +
                  config.file.native());
}

}  // namespace

json performOnCertificate(const Config& config, std::string_view operation, json& request) {
    using Handler = json (*)(const Config&, json&);
    static constexpr std::array<std::pair<std::string_view, Handler>, 4> kOperations{
        {{"certificate.status", status},
         {"certificate.import", import},
         {"certificate.renew", onlyByServer},
         {"certificate.revoke", onlyByServer}}};
    for (const auto& [name, handler] : kOperations) {
        if (name == operation) {
            return handler(config, request);
        }
    }
    throwUnknownOperation(operation);
}

}  // namespace gateway
