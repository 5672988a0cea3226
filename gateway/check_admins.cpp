// What `postern check` looks at of web accounts and tokens. Never shows a hash.
#include "gateway/base/error.h"
#include "gateway/check.h"
#include "webui/admins.h"

namespace gateway {

void checkAdmins(const Config& config, CheckReport& report) {
    const Layout layout(config.data);
    try {
        const webui::Admins admins = webui::Admins::load(layout);
        for (const webui::Admins::Token& token : admins.tokens()) {
            if (!webui::parseScope(token.scope)) {
                report.warning("admins",
                               "the token " + token.id + " of " + token.name + " has the scope \"" +
                                   token.scope + "\", which this version does not know",
                               "it opens nothing here; `postern admin remove " + token.name +
                                   " --token " + token.id + "` takes it away");
            }
        }
        report.ok("admins", std::to_string(admins.accounts().size()) + " web accounts, " +
                                std::to_string(admins.tokens().size()) + " API tokens");
    } catch (const Error& error) {
        if (error.kind() != Error::Kind::Corrupt && error.kind() != Error::Kind::Config) {
            throw;
        }
        report.problem("admins", error.what(), "until then nobody can log in to the web page");
    }
}

}  // namespace gateway
