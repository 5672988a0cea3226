// The socket by which commands ask a running server: `<data>/control.sock`, one JSON line as the
// request, one JSON line as the answer. This is the command's side; control_server.h is the other.
// Never retries: a request may change something.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "gateway/base/durable_file.h"
#include "gateway/mail/layout.h"

namespace gateway {

/// Octets of a request or an answer, its newline included: a whole backup fits.
inline constexpr std::size_t kMostControlOctets = 64U << 20U;

/// The name of the socket as bind() and connect() take it: at most 107 octets, so a longer path is
/// named through a descriptor of its directory, which must live as long as the name is used.
class ControlAddress {
public:
    /// Throws Error (Disk, Permission) where the data directory is missing or closed.
    explicit ControlAddress(const Layout& layout);
    const std::string& path() const { return m_path; }

private:
    Descriptor m_directory;
    std::string m_path;
};

/// Blocking. Nothing where no server listens. Throws Error(Network) where the connection ends
/// before the answer, Error(Permission) where the socket belongs to somebody else. The text of the
/// request is wiped after use, for it may hold a password. `file`, where it is one, is handed over
/// with the request, open as it is. With `patience` throws Error(Busy) where the answer takes
/// longer.
std::optional<nlohmann::json> askServer(const Layout& layout, const nlohmann::json& request,
                                        const Descriptor& file = {},
                                        std::optional<std::chrono::seconds> patience = {});

}  // namespace gateway
