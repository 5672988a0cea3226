#include "gateway/operations_admin.h"

#include <algorithm>
#include <array>
#include <map>
#include <unistd.h>

#include "gateway/base/json_text.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/request_fields.h"
#include "webui/admins.h"

namespace gateway {

namespace {

using nlohmann::json;

std::uint64_t userIn(const json& request, const char* name, std::uint64_t otherwise) {
    const auto found = request.find(name);
    return found != request.end() && found->is_number_unsigned() ? found->get<std::uint64_t>()
                                                                 : otherwise;
}

/// The change is durable: who made it.
void audit(const char* event, const json& request, const std::string& name,
           const std::string& what = {}) {
    if (const std::string by = textIn(request, "by"); !by.empty()) {
        log::notice(
            "admin: " + std::string(event),
            {{"account", name}, {"what", what.empty() ? "its password" : what}, {"by", by}});
        return;
    }
    const std::uint64_t peer = userIn(request, "peer", ::getuid());
    const std::uint64_t user = userIn(request, "user", peer);
    std::string by = "uid " + std::to_string(user);
    if (user != peer) {
        by += " as uid " + std::to_string(peer);
    }
    log::notice(event,
                {{"account", name}, {"what", what.empty() ? "its password" : what}, {"by", by}});
}

/// Of a new account or token; those that came in otherwise can still be removed.
std::string nameIn(const json& request) {
    const std::string name = textIn(request, "name");
    if (const std::string wrong = webui::Admins::wrongWithName(name); !wrong.empty()) {
        throw Refusal(EX_USAGE, wrong);
    }
    return lowered(name);
}

/// The request loses it.
crypto::Password passwordIn(json& request, const std::string& name) {
    const auto found = request.find("password");
    if (found == request.end() || !found->is_string()) {
        throw Refusal(EX_USAGE, "the request has no password");
    }
    auto& text = found->get_ref<std::string&>();
    crypto::Password password(text);
    crypto::wipe(std::span<char>(text));
    if (const std::string wrong = webui::Admins::wrongWithPassword(name, password);
        !wrong.empty()) {
        throw Refusal(EX_DATAERR, wrong);
    }
    return password;
}

[[noreturn]] void throwUnknown(const std::string& name) {
    throw Refusal(EX_DATAERR, "there is no account " + name + "; `postern admin list` shows all",
                  "not_found");
}

json create(const Layout& layout, json& request) {
    const std::string name = nameIn(request);
    const crypto::Password password = passwordIn(request, name);
    webui::Admins admins = webui::Admins::load(layout);
    if (request.value("only_first", false) && !admins.accounts().empty()) {
        throw Refusal(EX_CANTCREAT, "there is an account already; log in", "conflict");
    }
    if (!admins.create(name, password, std::chrono::system_clock::now())) {
        throw Refusal(EX_CANTCREAT,
                      "there is an account " + name + " already; `postern admin password " + name +
                          "` gives it another password",
                      "conflict");
    }
    admins.save(layout);
    audit("web account made", request, name);
    return {{"name", name}, {"created", formatTimestamp(admins.accounts().back().created)}};
}

json setPassword(const Layout& layout, json& request) {
    const std::string name = nameIn(request);
    const crypto::Password password = passwordIn(request, name);
    webui::Admins admins = webui::Admins::load(layout);
    if (!admins.setPassword(name, password)) {
        throwUnknown(name);
    }
    admins.save(layout);
    audit("password of a web account changed", request, name);
    return {{"name", name}};
}

json makeToken(const Layout& layout, json& request) {
    const std::string name = nameIn(request);
    const auto scope = webui::parseScope(textIn(request, "scope"));
    if (!scope || scope == webui::TokenScope::Join) {
        throw Refusal(EX_USAGE, "a token needs a scope: read, manage or replicate");
    }
    webui::Admins admins = webui::Admins::load(layout);
    const crypto::SecretBuffer token =
        admins.addToken(name, *scope, std::chrono::system_clock::now());
    admins.save(layout);
    const webui::Admins::Token& made = admins.tokens().back();
    audit("API token made", request, name, made.id + ", " + made.scope);
    const auto& accounts = admins.accounts();
    const bool hasAccount =
        std::any_of(accounts.begin(), accounts.end(),
                    [&](const webui::Admins::Account& account) { return account.name == name; });
    return {{"name", name},          {"id", made.id},
            {"scope", made.scope},   {"created", formatTimestamp(made.created)},
            {"token", token.text()}, {"account", hasAccount}};
}

json list(const Layout& layout, json& /*request*/) {
    const webui::Admins admins = webui::Admins::load(layout);
    std::map<std::string, json> byName;
    const auto entry = [&](const std::string& name) -> json& {
        return byName
            .try_emplace(name,
                         json{{"name", name}, {"created", nullptr}, {"tokens", json::array()}})
            .first->second;
    };
    for (const webui::Admins::Account& account : admins.accounts()) {
        entry(account.name)["created"] = formatTimestamp(account.created);
    }
    for (const webui::Admins::Token& token : admins.tokens()) {
        entry(token.name)["tokens"].push_back({{"id", token.id},
                                               {"scope", token.scope},
                                               {"created", formatTimestamp(token.created)}});
    }
    json all = json::array();
    for (auto& [name, each] : byName) {
        all.push_back(std::move(each));
    }
    return {{"admins", std::move(all)}};
}

json removeToken(const Layout& layout, const json& request, const std::string& name,
                 const std::string& id) {
    webui::Admins admins = webui::Admins::load(layout);
    if (!admins.removeToken(name, id)) {
        throw Refusal(EX_DATAERR,
                      name + " has no token " + printable(id, 40) +
                          "; `postern admin list` shows the ids of all",
                      "not_found");
    }
    admins.save(layout);
    audit("API token removed", request, name, id);
    return {{"name", name}, {"account", false}, {"tokens", 1}};
}

json remove(const Layout& layout, json& request) {
    const std::string name = lowered(textIn(request, "name"));
    if (const std::string id = textIn(request, "token"); !id.empty()) {
        return removeToken(layout, request, name, id);
    }
    webui::Admins admins = webui::Admins::load(layout);
    const std::size_t accounts = admins.accounts().size();
    const std::size_t tokens = admins.tokens().size();
    if (request.value("keep_last", false) && accounts == 1 && admins.hasAccount(name)) {
        throw Refusal(EX_DATAERR,
                      name + " is the last account; make another one first, or nobody could log in",
                      "conflict");
    }
    if (admins.remove(name) == 0) {
        throwUnknown(name);
    }
    admins.save(layout);
    const bool hadAccount = admins.accounts().size() < accounts;
    const std::size_t goneTokens = tokens - admins.tokens().size();
    audit("web account removed", request, name, std::to_string(goneTokens) + " tokens with it");
    return {{"name", name}, {"account", hadAccount}, {"tokens", goneTokens}};
}

}  // namespace

json performOnAdmins(const Layout& layout, std::string_view operation, json& request) {
    using Handler = json (*)(const Layout&, json&);
    static constexpr std::array<std::pair<std::string_view, Handler>, 5> kOperations{
        {{"admin.create", create},
         {"admin.password", setPassword},
         {"admin.token", makeToken},
         {"admin.list", list},
         {"admin.remove", remove}}};
    for (const auto& [name, handler] : kOperations) {
        if (name == operation) {
            return handler(layout, request);
        }
    }
    throwUnknownOperation(operation);
}

}  // namespace gateway
