#include "gateway/passed_file.h"

#include <array>
#include <cstring>
#include <sys/socket.h>

namespace gateway {

namespace {

/// Room for one descriptor; what does not fit the kernel closes.
struct Rights {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> octets{};
};

/// Takes what a control message holds of descriptors, so that none is left open.
void takeFiles(const cmsghdr& header, Descriptor& file) {
    const std::size_t octets = header.cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= octets; at += sizeof(int)) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(&header) + at, sizeof number);
        Descriptor taken(number);
        if (!file) {
            file = std::move(taken);
        }
    }
}

}  // namespace

ssize_t sendWithFile(int socket, std::string_view octets, const Descriptor& file) {
    Rights rights;
    // sendmsg() takes no const, and changes nothing.
    iovec part{const_cast<char*>(octets.data()), octets.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = rights.octets.data();
    message.msg_controllen = rights.octets.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int number = file.get();
    std::memcpy(CMSG_DATA(header), &number, sizeof number);
    return ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t receiveWithFile(int socket, std::span<char> into, Descriptor& file) {
    Rights rights;
    iovec part{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = rights.octets.data();
    message.msg_controllen = rights.octets.size();
    const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0) {
        return got;
    }
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            takeFiles(*header, file);
        }
    }
    return got;
}

}  // namespace gateway
