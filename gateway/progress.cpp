#include "gateway/progress.h"

#include <unistd.h>

namespace gateway {

namespace {

/// Back to the line's begin, and what stood there gone (ECMA-48 8.3.41, EL).
constexpr const char* kFreshLine = "\r\x1b[K";

void say(const std::string& text) {
    const ssize_t shown = ::write(STDERR_FILENO, text.data(), text.size());
    static_cast<void>(shown);  // a terminal that went away changes nothing
}

}  // namespace

Progress::Progress() : m_wanted(::isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() { clear(); }

void Progress::show(const std::string& text) {
    if (m_wanted) {
        say(kFreshLine + text);
        m_shown = true;
    }
}

void Progress::clear() {
    if (m_shown) {
        say(kFreshLine);
        m_shown = false;
    }
}

}  // namespace gateway
