#include "pop3/reply.h"

#include <utility>

namespace pop3 {

Reply::Reply(std::string line, Then next) : text(std::move(line)), then(next) {
    if (!text.empty()) {
        text += "\r\n";
    }
}

}  // namespace pop3
