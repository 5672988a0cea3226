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
    m_seen.reset();  // what fails may have nothing to do with the file, and is tried again
    Found found;
    try {
        found.admins = std::make_shared<const webui::Admins>(webui::Admins::load(m_layout));
        tendLink(found);
        m_seen = now;
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
    if (!found->secret.empty()) {
        m_link->open(found->secret);
    }
    say(*found);
}

void WebAccounts::say(const Found& found) {
    const bool isNew = found.trouble != m_said;
    m_said = found.trouble;
    if (!isNew && !m_said.empty()) {
        return;
    }
    if (!m_said.empty()) {
        log::error(m_admins ? "the set-up link of the web page could not be made or removed; it "
                              "is tried again and again"
                            : "web accounts cannot be read; until then nobody can log in to the "
                              "page",
                   {{"cause", m_said}});
        return;
    }
    if (isNew) {
        log::notice("the trouble with web accounts is over");
    }
    if (!found.secret.empty()) {
        log::notice("the web page has no account yet: open the link that this file holds",
                    {{"file", m_link->file().native()}});
    } else if (found.linkRemoved) {
        log::notice("the set-up link of the web page was removed: there is an account");
    }
}

}  // namespace gateway
