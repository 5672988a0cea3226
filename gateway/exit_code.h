// What a command's exit code says (sysexits.h), and which one an Error gives.
// Never decides what is an error.
#pragma once

#include <string>
#include <sysexits.h>

#include "gateway/base/error.h"

namespace gateway {

/// The exit code of a command that ended with an Error of this kind.
inline int exitCodeOf(Error::Kind kind) {
    switch (kind) {
        case Error::Kind::Config:
        case Error::Kind::Tls:
            return EX_CONFIG;
        case Error::Kind::Disk:
        case Error::Kind::DiskFull:
            return EX_IOERR;
        case Error::Kind::Permission:
            return EX_NOPERM;
        case Error::Kind::Network:
            return EX_UNAVAILABLE;
        case Error::Kind::Corrupt:
            return EX_DATAERR;
        case Error::Kind::Busy:
            return EX_CANTCREAT;
        case Error::Kind::Internal:
            return EX_SOFTWARE;
    }
    return EX_SOFTWARE;
}

/// `postern serve` ended before it served: what it could not make, read or bind is one case for
/// whoever restarts it, whatever the cause.
inline int exitCodeAtStart(Error::Kind kind) {
    switch (kind) {
        case Error::Kind::Disk:
        case Error::Kind::DiskFull:
        case Error::Kind::Permission:
        case Error::Kind::Network:
            return EX_CANTCREAT;
        default:
            return exitCodeOf(kind);
    }
}

/// A command's own refusal: not a fault of the world, but of what it was asked. Caught in main.
struct Refusal {
    Refusal(int exitCode, std::string sentence, std::string kind = "refused")
        : exit(exitCode), text(std::move(sentence)), code(std::move(kind)) {}
    int exit;          ///< EX_…
    std::string text;  ///< what happened and what to do
    /// For the API, whose statuses tell more apart: refused, not_found, conflict, wrong_password,
    /// changed_meanwhile.
    std::string code;
};

}  // namespace gateway
