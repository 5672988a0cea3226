#include "gateway/commands_certificate.h"

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <vector>

#include "crypto/secret.h"
#include "gateway/answer_text.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/exit_code.h"
#include "gateway/mail/layout.h"
#include "gateway/net/tls_pair.h"
#include "gateway/output.h"
#include "gateway/password_prompt.h"
#include "gateway/privileges.h"
#include "gateway/request.h"

namespace gateway {

namespace {

using nlohmann::json;

struct CertificateArguments {
    std::string file;
    std::string reason = "unspecified";
    bool json = false;
};

/// Many times any chain with its key.
constexpr std::size_t kLargestFile = 1U << 20U;

std::string joined(const json& texts) {
    std::string result;
    for (const json& text : texts) {
        result += (result.empty() ? "" : ", ") + text.get<std::string>();
    }
    return result;
}

void describeAcme(const json& acme, const std::function<void(const char*, std::string)>& add) {
    add("Authority", textOf(acme, "directory"));
    add("Asked for", joined(acme.at("names")) + ", proved by " + textOf(acme, "challenge"));
    if (acme.at("account").is_string()) {
        add("Account", textOf(acme, "account"));
    }
    if (acme.at("caa").is_string()) {
        add("CAA record", textOf(acme, "caa"));
    }
    if (acme.at("last_error").is_string()) {
        add("Last attempt", textOf(acme, "last_attempt") + ": " + textOf(acme, "last_error"));
        if (acme.at("last_advice").is_string()) {
            add("To do", textOf(acme, "last_advice"));
        }
    }
}

std::string describe(const json& certificate) {
    std::vector<std::vector<std::string>> rows;
    const auto add = [&](const char* what, std::string text) {
        rows.push_back({what, std::move(text)});
    };
    add("Source", textOf(certificate, "source"));
    add("File", textOf(certificate, "file"));
    add("Names", joined(certificate.at("names")));
    add("Issued by", textOf(certificate, "issuer"));
    add("Valid", "from " + textOf(certificate, "begins") + " until " + textOf(certificate, "ends") +
                     ", " + std::to_string(certificate.at("days_left").get<std::int64_t>()) +
                     " days left");
    const std::string reason = textOf(certificate, "renewal_reason");
    add("Renewal", certificate.at("renewal").is_string()
                       ? "at " + textOf(certificate, "renewal") + ": " + reason
                       : reason);
    add("SHA-256", textOf(certificate, "sha256"));
    add("SHA-256 of the public key", textOf(certificate, "spki_sha256"));
    if (certificate.at("refused").is_string()) {
        add("Not used", textOf(certificate, "refused"));
    }
    if (const json& acme = certificate.at("acme"); acme.is_object()) {
        describeAcme(acme, add);
    }
    return asTable(rows);
}

int showStatus(const Config& config, const CertificateArguments& arguments) {
    const json answer = carryOut(config, {{"operation", "certificate.status"}});
    const json& certificate = answer.at("certificate");
    if (arguments.json) {
        print(oneLineOf(certificate));
        return EX_OK;
    }
    print(certificate.is_null()
              ? "No certificate yet; a self-signed one is made at the first start.\n"
              : describe(certificate));
    return EX_OK;
}

/// RFC 5280 section 5.3.1, those that RFC 8555 section 7.6 leaves to a subscriber.
constexpr std::array<std::pair<std::string_view, int>, 5> kReasons{{{"unspecified", 0},
                                                                    {"keyCompromise", 1},
                                                                    {"affiliationChanged", 3},
                                                                    {"superseded", 4},
                                                                    {"cessationOfOperation", 5}}};

int order(const Config& config, const CertificateArguments& arguments, json request) {
    const json answer = carryOut(config, std::move(request));
    const json& certificate = answer.at("certificate");
    print(arguments.json ? oneLineOf(certificate)
                         : "A new certificate is in use.\n" + describe(certificate));
    return EX_OK;
}

int renew(const Config& config, const CertificateArguments& arguments) {
    return order(config, arguments, {{"operation", "certificate.renew"}});
}

int revoke(const Config& config, const CertificateArguments& arguments) {
    const auto* const reason =
        std::find_if(kReasons.begin(), kReasons.end(),
                     [&](const auto& known) { return known.first == arguments.reason; });
    if (reason == kReasons.end()) {
        throw Refusal(EX_USAGE,
                      "no such reason; give unspecified, keyCompromise, affiliationChanged, "
                      "superseded or cessationOfOperation");
    }
    return order(config, arguments,
                 {{"operation", "certificate.revoke"}, {"reason", reason->second}});
}

/// The pair out of the file, read as whoever calls, who may read what the server may not.
net::CertificateAndKey readFile(const std::string& file) {
    std::string octets = readWhole(file, kLargestFile);
    std::optional<net::CertificateAndKey> pair;
    try {
        pair = net::readPair(octets, "");
        if (!pair) {
            const auto given = takePasswordFromEnvironment();
            const crypto::Password passphrase = given
                                                    ? crypto::Password(given->view())
                                                    : readPassword("Passphrase of " + file + ": ");
            pair = net::readPair(octets, passphrase.view());
        }
    } catch (const Error& error) {
        throw Refusal(EX_DATAERR, file + " was not imported: " + error.what());
    }
    crypto::wipe(std::span<char>(octets));
    if (!pair) {
        throw Refusal(EX_NOPERM, "that is not the passphrase of " + file + "; nothing was changed");
    }
    return std::move(*pair);
}

std::string howToUse(const Config& config) {
    const std::string reload = "then `systemctl reload postern`.\n";
    if (config.tls.source != Config::Tls::Source::Files) {
        return "It is not used yet: write source = \"files\" in [tls] of " + config.file.native() +
               ", without certificate and key,\n" + reload;
    }
    if (config.tls.certificate != Layout(config.data).importedPair()) {
        return "It is not used yet: " + config.where("tls.certificate") + " names " +
               config.tls.certificate.native() + ";\nremove certificate and key there, " + reload;
    }
    return "It is not used yet: `systemctl reload postern` makes the server read its settings.\n";
}

int importPair(const Config& config, const CertificateArguments& arguments) {
    net::CertificateAndKey pair = readFile(arguments.file);
    json request{{"operation", "certificate.import"}, {"user", ::getuid()}};
    std::string whole = pair.certificate + pair.key;
    request["pair"] = whole;
    crypto::wipe(std::span<char>(whole));
    crypto::wipe(std::span<char>(pair.key));
    becomeOwnerOf(config.data);
    Carrier carrier(config);
    json imported = carrier.carryOut(std::move(request)).at("certificate");
    const json now = carrier.carryOut({{"operation", "certificate.status"}}).at("certificate");
    const bool used = now.is_object() && now.at("sha256") == imported.at("sha256");
    imported["in_use"] = used;
    if (arguments.json) {
        print(oneLineOf(imported));
        return EX_OK;
    }
    print("The certificate for " + joined(imported.at("names")) + ", issued by " +
          textOf(imported, "issuer") + ",\nvalid until " + textOf(imported, "ends") + ", is in " +
          textOf(imported, "file") + ".\n" +
          (used ? "New connections are shown it from now on.\n" : howToUse(config)));
    return EX_OK;
}

}  // namespace

void addCertificateCommands(CLI::App& app, CommandLine& line) {
    CLI::App* certificate =
        app.add_subcommand("certificate", "What the server shows to clients, and its renewal");
    certificate->require_subcommand(1);
    const auto typed = std::make_shared<CertificateArguments>();
    CLI::App* status = addCommand(*certificate, line, "status",
                                  "The certificate in use, until when, and what renews it",
                                  asOwner(showStatus, typed));
    const auto import = [typed](const Config& config) {
        beginCommand();
        return importPair(config, *typed);
    };
    CLI::App* load = addCommand(*certificate, line, "import",
                                "Take over a certificate with its chain and key", import);
    load->add_option("FILE", typed->file, "PFX (PKCS #12), or PEM with certificate, chain and key")
        ->required();
    load->footer(
        "Its passphrase, where it has one, is taken from POSTERN_PASSWORD, else asked for at the\n"
        "terminal, or read from standard input, one line.");
    CLI::App* renewal =
        addCommand(*certificate, line, "renew", "Order a certificate by ACME now, and wait for it",
                   asOwner(renew, typed));
    CLI::App* revocation =
        addCommand(*certificate, line, "revoke",
                   "Revoke the certificate by ACME, and order another one", asOwner(revoke, typed));
    revocation->add_option("--reason", typed->reason,
                           "unspecified, keyCompromise, affiliationChanged, superseded or "
                           "cessationOfOperation");
    for (CLI::App* command : {status, load, renewal, revocation}) {
        command->add_flag("--json", typed->json, "Print one line of JSON");
    }
}

}  // namespace gateway
