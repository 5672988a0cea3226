// Backups of the records: handed out, looked at, brought in. Never holds a message or what opens
// one; a passphrase is wiped once it was used.
#include <memory>

#include "crypto/base64.h"
#include "gateway/base/text.h"
#include "gateway/net/offload.h"
#include "webui/routes.h"

namespace webui {

namespace {

using gateway::net::HttpResponse;
using nlohmann::json;

/// The largest backup, sealed and armored, in base64.
constexpr std::size_t kMostBackup = std::size_t{48} << 20U;

class BackupRoutes {
public:
    explicit BackupRoutes(const Engine& engine) : m_engine(engine) {}

    asio::awaitable<HttpResponse> save(Call call) {
        std::optional<crypto::Password> passphrase = call.takeSecret("passphrase");
        const bool sealed = passphrase.has_value();
        const bool withAdmins = call.flag("with_admins");
        json answer =
            requireDone(co_await m_engine.exportBackup(withAdmins, std::move(passphrase)));
        audit(call.caller, "backup exported",
              std::string(sealed ? "sealed" : "plain") + (withAdmins ? ", with accounts" : ""));
        HttpResponse response;
        response.fields = {
            {"Content-Type", sealed ? "application/age-encryption" : "text/plain; charset=utf-8"},
            {"Content-Disposition",
             "attachment; filename=\"" + answer.at("name").get<std::string>() + '"'},
            {"X-Postern-Unreadable", std::to_string(answer.at("unreadable").size())},
        };
        response.body = std::move(answer.at("text").get_ref<std::string&>());
        co_return response;
    }

    asio::awaitable<HttpResponse> import(Call call, bool dryRun) {
        std::optional<crypto::Password> passphrase = call.takeSecret("passphrase");
        const auto given = call.body.find("backup");
        if (given == call.body.end() || !given->is_string()) {
            throw Refused{400, "bad_request", "backup is the file, in base64."};
        }
        auto decode = [&text = given->get_ref<const std::string&>()] {
            return crypto::decodeBase64(text);
        };
        std::optional<std::string> file = co_await gateway::net::offload(m_engine.disk, decode);
        if (!file) {
            throw Refused{400, "bad_request", "backup is the file, in base64."};
        }
        json request{{"operation", "backup.import"},
                     {"dry_run", dryRun},
                     {"trust", call.flag("trust")},
                     {"domain_differs", call.flag("domain_differs")},
                     {"with_admins", call.flag("with_admins")}};
        json answer = requireDone(co_await m_engine.importBackup(
            std::move(request), std::move(*file), std::move(passphrase)));
        if (!dryRun) {
            audit(call.caller, "backup imported", "made on " + answer.value("hostname", "?"));
        }
        co_return jsonResponse(200, answer);
    }

private:
    const Engine& m_engine;
};

}  // namespace

void addBackupRoutes(Api& api, const Engine& engine) {
    const auto routes = std::make_shared<BackupRoutes>(engine);
    api.add({"POST", "/backup/export", Access::Manage, kMostBody, "exportBackup",
             [routes](Call call) { return routes->save(std::move(call)); }});
    api.add({"POST", "/backup/preview", Access::Manage, kMostBackup, "previewBackup",
             [routes](Call call) { return routes->import(std::move(call), true); }});
    api.add({"POST", "/backup/import", Access::Manage, kMostBackup, "importBackup",
             [routes](Call call) { return routes->import(std::move(call), false); }});
}

}  // namespace webui
