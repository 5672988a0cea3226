// The link by which the first account is made: a file that only root and the server's user can
// read, there as long as there is no account. Never logged, and never sent in an address: its
// secret stands behind a "#", which browsers keep to themselves.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/mail/layout.h"

namespace webui {

/// Its files are written by one thread at a time; isOpen() and fits() belong to the I/O thread.
class SetupLink {
public:
    /// `page` is where the page is: "https://msgw1.example.com:8450/".
    SetupLink(const gateway::Layout& layout, std::string page);

    const std::filesystem::path& file() const { return m_file; }

    /// Blocking. The secret of the file where there is one, else a new one, durable once it
    /// returned. What it gives is open()'s.
    std::string prepare() const;
    /// Blocking. Whether there was one.
    bool remove() const;

    void open(const std::string& secret);
    void close() { m_digest.clear(); }
    bool isOpen() const { return !m_digest.empty(); }
    bool fits(std::string_view secret) const;

private:
    const std::filesystem::path m_file;
    const std::string m_page;
    std::string m_digest;  ///< empty: there are accounts
};

}  // namespace webui
