#include "gateway/base/error.h"

#include <cerrno>
#include <system_error>

namespace gateway {

namespace {

Error::Kind kindOf(int number) {
    switch (number) {
        case ENOSPC:
        case EDQUOT:
            return Error::Kind::DiskFull;
        case EACCES:
        case EPERM:
            return Error::Kind::Permission;
        case EADDRINUSE:
            return Error::Kind::Busy;
        default:
            return Error::Kind::Disk;
    }
}

}  // namespace

void throwErrno(std::string_view call, std::string_view subject) {
    const int number = errno;
    std::string what(call);
    what += ' ';
    what += subject;
    what += ": ";
    what += std::generic_category().message(number);
    throw Error(kindOf(number), what);
}

}  // namespace gateway
