#include "gateway/web_accounts.h"

#include "gateway/base/error.h"
#include "gateway/base/log.h"

namespace gateway {

WebAccounts::Stamp WebAccounts::stamp() const {
    struct stat found{};
    if (::stat(m_layout.admins().c_str(), &found) != 0) {
        return {};
    }
    return {found.st_ino, found.st_size, found.st_ctim};
}

std::optional<WebAccounts::Found> WebAccounts::look() {
    const Stamp now = stamp();
    if (m_seen == now) {
        return std::nullopt;
    }
    m_seen = now;
    Found found;
    try {
        found.admins = std::make_shared<const webui::Admins>(webui::Admins::load(m_layout));
        tendLink(found);
    } catch (const Error& error) {
        found.trouble = error.what();
    }
    return found;
}

void WebAccounts::tendLink(Found& found) const {
    if (m_linked && found.admins->accounts().empty()) {
        found.secret = m_link->prepare();
    } else {
        found.linkRemoved = m_link->remove();
    }
}

void WebAccounts::takeOver(std::optional<Found> found) {
    if (!found) {
        return;
    }
    m_admins = std::move(found->admins);
    m_link->close();
    if (!found->trouble.empty()) {
        log::error("web accounts cannot be read; until then nobody can log in to the page",
                   {{"cause", found->trouble}});
    } else if (!found->secret.empty()) {
        m_link->open(found->secret);
        log::notice("the web page has no account yet: open the link that this file holds",
                    {{"file", m_link->file().native()}});
    } else if (found->linkRemoved) {
        log::notice("the set-up link of the web page was removed: there is an account");
    }
}

}  // namespace gateway
