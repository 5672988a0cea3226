// An open file handed from one process to another over a local socket (SCM_RIGHTS, unix(7)).
// Never looks at the file itself.
#pragma once

#include <span>
#include <string_view>
#include <sys/types.h>

#include "gateway/base/durable_file.h"

namespace gateway {

/// As send(2) without SIGPIPE; `file` goes with the first octet.
ssize_t sendWithFile(int socket, std::string_view octets, const Descriptor& file);

/// As recv(2) without waiting. A file that comes along is put into `file`, where there is none yet;
/// all others are closed.
ssize_t receiveWithFile(int socket, std::span<char> into, Descriptor& file);

}  // namespace gateway
