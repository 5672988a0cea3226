// The one error type: something that should never happen did.
// Never used for what is expected: a wrong password, a bad command, a name that does not parse.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace gateway {

/// Thrown where a promise of the world around us broke; `what()` says what happened, and on which
/// file or peer, in one line that an admin can act on. Caught at the end of a connection, of a
/// scheduled job, of a store job, and in `main`; nowhere else.
class Error : public std::runtime_error {
public:
    enum class Kind {
        Config,      ///< the admin's file or arguments are wrong (sysexits 78)
        Disk,        ///< a file operation failed (EIO, EROFS, EMFILE, …)
        DiskFull,    ///< ENOSPC or EDQUOT
        Permission,  ///< EACCES or EPERM: an owner or mode is wrong
        Network,     ///< a socket or peer failed
        Tls,         ///< a certificate, key or handshake is wrong
        Corrupt,     ///< a file is not what it says it is
        Busy,        ///< somebody else holds what we need (port, lock)
        Internal,    ///< a library refused what it never should
    };

    Error(Kind kind, const std::string& what) : std::runtime_error(what), m_kind(kind) {}
    Kind kind() const noexcept { return m_kind; }

private:
    Kind m_kind;
};

/// Throws the Error for the present `errno`: "`call` `subject`: No space left on device".
[[noreturn]] void throwErrno(std::string_view call, std::string_view subject);

/// Returns `result` of a system call, or throws as throwErrno() where it is negative.
template <typename Number>
Number check(Number result, std::string_view call, std::string_view subject) {
    if (result < 0) {
        throwErrno(call, subject);
    }
    return result;
}

}  // namespace gateway
