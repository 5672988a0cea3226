// Web accounts and tokens as their file has them, and the set-up link as long as there is none.
// Never lets anybody in by what it once read: a file that cannot be read opens nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <sys/stat.h>

#include "webui/admins.h"
#include "webui/setup_link.h"

namespace gateway {

class WebAccounts {
public:
    /// `linked`: whether there is a page that a set-up link could lead to.
    WebAccounts(const Layout& layout, std::shared_ptr<webui::SetupLink> link, bool linked)
        : m_layout(layout), m_link(std::move(link)), m_linked(linked) {}

    /// What a look at the file has found.
    struct Found {
        std::shared_ptr<const webui::Admins> admins;  ///< null where it cannot be read
        /// Why not; or, where there are admins, why the link is not as it should be.
        std::string trouble;
        std::string secret;  ///< of the link; empty where there is an account
        bool linkRemoved = false;
    };

    /// Blocking, on the lane of records. Reads the file where it changed, and makes or removes the
    /// link; nothing where all is as it was. What fails is tried again at the next look.
    std::optional<Found> look();

    /// On the I/O thread.
    void takeOver(std::optional<Found> found);
    const std::shared_ptr<const webui::Admins>& admins() const { return m_admins; }
    const std::shared_ptr<webui::SetupLink>& link() const { return m_link; }

private:
    /// What tells one state of a file from another.
    struct Stamp {
        ino_t inode = 0;
        off_t size = -1;
        timespec changed{};
        bool operator==(const Stamp& other) const {
            return inode == other.inode && size == other.size &&
                   changed.tv_sec == other.changed.tv_sec &&
                   changed.tv_nsec == other.changed.tv_nsec;
        }
    };
    Stamp stamp() const;
    void tendLink(Found& found) const;
    void say(const Found& found);

    const Layout m_layout;
    const std::shared_ptr<webui::SetupLink> m_link;
    const bool m_linked;
    std::optional<Stamp> m_seen;                    ///< look()'s own
    std::shared_ptr<const webui::Admins> m_admins;  ///< of the I/O thread, as what follows
    std::string m_said;                             ///< the trouble that was logged last
};

}  // namespace gateway
