// The lock of a data directory: whoever holds it may write there, one process at a time.
// Never waits.
#pragma once

#include <optional>

#include "gateway/base/durable_file.h"
#include "gateway/mail/layout.h"

namespace gateway {

/// Held until it is destroyed or the process ends, however it ends. The server holds it for life;
/// a command that gets it does its work itself, one that does not asks the server.
class DataLock {
public:
    /// Nothing where another process holds it. Throws Error (Permission, Disk) where the directory
    /// is missing or closed to this user.
    static std::optional<DataLock> tryTake(const Layout& layout);

private:
    explicit DataLock(Descriptor file) : m_file(std::move(file)) {}
    Descriptor m_file;
};

}  // namespace gateway
