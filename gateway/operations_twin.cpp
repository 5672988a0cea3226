#include "gateway/operations_twin.h"

#include <algorithm>
#include <array>

#include "crypto/secret.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/certificate_status.h"
#include "gateway/exit_code.h"
#include "gateway/page_address.h"
#include "gateway/replica/invitation.h"
#include "gateway/replica/twins_file.h"
#include "gateway/request_fields.h"
#include "gateway/twin_report.h"
#include "webui/admins.h"

namespace gateway {

namespace {

using nlohmann::json;
using replica::JoinedTwin;
using replica::TwinsFile;

/// What a greeting holds: a body that a stranger may send is small.
constexpr std::size_t kMostTrusted = 20;

std::string textIn(const json& request, const char* name) {
    return fieldOf(request, name).value_or("");
}

void audit(const char* event, const json& request, const std::string& on) {
    const std::string by = textIn(request, "by");
    const json peer = request.value("peer", json());
    log::notice(event, {{"twin", on},
                        {"who", !by.empty()                ? by
                                : peer.is_number_integer() ? "user " + peer.dump()
                                                           : std::string("a twin")}});
}

JoinedTwin twinIn(const json& request, WallTime now) {
    const auto node = NodeId::parse(textIn(request, "node"));
    const auto key = crypto::VerifyKey::parse(textIn(request, "node_key"));
    if (!node || !key) {
        throw Refusal(EX_DATAERR, "the other node does not say who it is", "bad_request");
    }
    JoinedTwin twin(*node, *key);
    twin.name = printable(textIn(request, "node_name"), 253);
    twin.joined = now;
    return twin;
}

/// Who is paired with a node lets those speak whom that node lets speak: it would pass on what they
/// say, and this node could not tell it from a forgery.
void trustThoseOf(const JoinedTwin& twin, const json& request, RegistryKeeper& keeper) {
    const json trusted = request.value("trusted", json::array());
    std::size_t count = 0;
    for (const json& each : trusted.is_array() ? trusted : json::array()) {
        const bool isTable = each.is_object() && ++count <= kMostTrusted;
        const auto node = NodeId::parse(isTable ? textIn(each, "node") : "");
        const auto key = crypto::VerifyKey::parse(isTable ? textIn(each, "node_key") : "");
        if (node && key) {
            keeper.trust(*node, *key, "named by " + twin.name + ", with which it was paired");
        }
    }
}

std::string holderOf(const NodeId& node) { return "twin-" + node.str(); }

/// Whether there was one.
bool dropTokens(webui::Admins& admins, const NodeId& node) {
    const std::vector<webui::Admins::Token> before = admins.tokens();
    bool dropped = false;
    for (const webui::Admins::Token& token : before) {
        if (token.name == holderOf(node)) {
            dropped = admins.removeToken(token.name, token.id) || dropped;
        }
    }
    return dropped;
}

void requireOther(const JoinedTwin& twin, const RegistryKeeper& keeper) {
    if (twin.node == keeper.self().id()) {
        throw Refusal(EX_DATAERR,
                      "the invitation is this node's own, or of a copy of its data: a copy must "
                      "take an id of its own first; stop it, move node/node.toml away there, start "
                      "it",
                      "conflict");
    }
}

void requireTrust(const JoinedTwin& twin, RegistryKeeper& keeper) {
    if (!keeper.trust(twin.node, twin.key, "paired with " + twin.name)) {
        throw Refusal(
            EX_DATAERR,
            "node " + twin.node.str() + " is trusted with another key already; see node/trust.toml",
            "conflict");
    }
}

json list(const Config& config, RegistryKeeper& /*keeper*/, json& /*request*/) {
    json twins = json::array();
    const WallTime now = std::chrono::system_clock::now();
    for (const TwinReport& report : twinsOnDisk(config)) {
        twins.push_back(toJson(report, now));
    }
    return {{"twins", std::move(twins)}};
}

std::string urlIn(const Config& config, const json& request) {
    const std::string given = textIn(request, "url");
    const auto url = replica::parseTwinUrl(given.empty() ? pageAddress(config) : given);
    if (!url && given.empty()) {
        throw Refusal(EX_CONFIG, "twins come by the web page's port, and web.listen is empty in " +
                                     config.file.native());
    }
    if (!url) {
        throw Refusal(EX_USAGE, "\"" + printable(given, 100) +
                                    "\" is no address for a twin to call; write one such as "
                                    "https://msgw1.example.com:8450");
    }
    return *url;
}

json invite(const Config& config, RegistryKeeper& keeper, json& request) {
    const WallTime now = std::chrono::system_clock::now();
    const Layout layout(config.data);
    replica::Invitation invitation(keeper.self().id(), keeper.self().key().verifyKey());
    invitation.url = urlIn(config, request);
    if (config.tls.source != Config::Tls::Source::Acme) {
        invitation.fingerprint = certificateOnDisk(config).facts.publicKeySha256;
    }
    webui::Admins admins = webui::Admins::load(layout);
    const std::vector<webui::Admins::Token> before = admins.tokens();
    for (const webui::Admins::Token& token : before) {
        if (token.scope == scopeName(webui::TokenScope::Join) &&
            now - token.created > webui::kInvitationLasts) {
            admins.removeToken(token.name, token.id);
        }
    }
    invitation.token = admins.addToken(webui::kInvitation, webui::TokenScope::Join, now);
    admins.save(layout);
    audit("a twin was invited", request, invitation.url);
    const auto& listen = config.web.listen;
    return {{"invitation", invitation.line()},
            {"url", invitation.url},
            {"expires", formatTimestamp(now + webui::kInvitationLasts)},
            {"loopback", textIn(request, "url").empty() && listen.front().isLoopback()}};
}

json accept(const Config& config, RegistryKeeper& keeper, json& request) {
    const WallTime now = std::chrono::system_clock::now();
    const Layout layout(config.data);
    JoinedTwin twin = twinIn(request, now);
    requireOther(twin, keeper);
    TwinsFile twins = TwinsFile::load(layout);
    webui::Admins admins = webui::Admins::load(layout);
    if (!admins.removeToken(webui::kInvitation, textIn(request, "invitation"))) {
        throw Refusal(EX_NOPERM, "the invitation was used already, or taken back", "conflict");
    }
    dropTokens(admins, twin.node);  // of an earlier pairing
    const crypto::SecretBuffer token =
        admins.addToken(holderOf(twin.node), webui::TokenScope::Replicate, now);
    twin.token = admins.tokens().back().id;
    const json trusted = trustedByUs(keeper);
    requireTrust(twin, keeper);
    trustThoseOf(twin, request, keeper);
    twins.put(twin);
    twins.save(layout);
    admins.save(layout);  // last: until here the invitation can be used once more
    audit("a twin has joined", request, twin.name + " (" + twin.node.str() + ')');
    return {{"token", token.text()}, {"trusted", trusted}};
}

json joined(const Config& config, RegistryKeeper& keeper, json& request) {
    const WallTime now = std::chrono::system_clock::now();
    const Layout layout(config.data);
    JoinedTwin twin = twinIn(request, now);
    requireOther(twin, keeper);
    twin.url = textIn(request, "url");
    twin.fingerprint = textIn(request, "fingerprint");
    TwinsFile twins = TwinsFile::load(layout);
    makeDurableDirectory(layout.twinTokens());
    std::string text = textIn(request, "token") + '\n';
    writeDurably(layout.twinToken(twin.node), text);
    crypto::wipe(std::span<char>(text));
    requireTrust(twin, keeper);
    trustThoseOf(twin, request, keeper);
    twins.put(twin);
    twins.save(layout);
    audit("this node has joined a twin", request, twin.name + " (" + twin.node.str() + ')');
    return {{"twin", {{"name", twin.name}, {"node", twin.node.str()}, {"url", twin.url}}}};
}

json remove(const Config& config, RegistryKeeper& keeper, json& request) {
    const Layout layout(config.data);
    TwinsFile twins = TwinsFile::load(layout);
    const std::string name = textIn(request, "twin");
    const auto twin = twins.find(name);
    const bool inFile = std::any_of(config.twins.begin(), config.twins.end(),
                                    [&](const Config::Twin& each) { return each.url == name; });
    if (!twin && inFile) {
        throw Refusal(EX_DATAERR, "that twin stands in " + config.file.native() +
                                      "; take its [[twin]] out there, and restart the server");
    }
    if (!twin) {
        throw Refusal(EX_DATAERR,
                      "there is no twin " + printable(name, 100) +
                          ", or there are several of that name; `postern twin list` shows all with "
                          "the ids of their nodes",
                      "not_found");
    }
    webui::Admins admins = webui::Admins::load(layout);
    if (dropTokens(admins, twin->node)) {
        admins.save(layout);
    }
    keeper.distrust(twin->node);
    twins.remove(twin->node);
    twins.save(layout);
    std::error_code ignored;
    std::filesystem::remove(layout.twinToken(twin->node), ignored);  // it opens nothing here
    audit("a twin was removed", request, twin->name + " (" + twin->node.str() + ')');
    return {{"name", twin->name}, {"node", twin->node.str()}};
}

}  // namespace

json trustedByUs(const RegistryKeeper& keeper) {
    json trusted = json::array();
    for (const auto& [node, entry] : keeper.trusted().nodes()) {
        if (trusted.size() < kMostTrusted) {
            trusted.push_back({{"node", node.str()}, {"node_key", entry.key.str()}});
        }
    }
    return trusted;
}

json performOnTwins(const Config& config, RegistryKeeper& keeper, std::string_view operation,
                    json& request) {
    using Handler = json (*)(const Config&, RegistryKeeper&, json&);
    static constexpr std::array<std::pair<std::string_view, Handler>, 5> kOperations{
        {{"twin.list", list},
         {"twin.invite", invite},
         {"twin.accept", accept},
         {"twin.joined", joined},
         {"twin.remove", remove}}};
    for (const auto& [name, handler] : kOperations) {
        if (name == operation) {
            return handler(config, keeper, request);
        }
    }
    if (operation == "twin.join") {
        throw Refusal(EX_UNAVAILABLE,
                      "no server runs here that could call the twin; start it, then join");
    }
    throwUnknownOperation(operation);
}

}  // namespace gateway
