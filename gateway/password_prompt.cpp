#include "gateway/password_prompt.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/utf8.h"
#include "gateway/exit_code.h"

namespace gateway {

namespace {

constexpr std::size_t kLongestLine = 4096;

volatile std::sig_atomic_t interruptedBy = 0;

/// The terminal without echo, and signals that only end read(), until its end: a terminal that
/// stays silent after Ctrl-C would look broken.
class Silence {
public:
    explicit Silence(int terminal) : m_terminal(terminal) {
        interruptedBy = 0;
        struct sigaction note{};
        note.sa_handler = [](int signal) { interruptedBy = signal; };
        for (std::size_t i = 0; i < kSignals.size(); ++i) {
            ::sigaction(kSignals.at(i), &note, &m_before.at(i));
        }
        check(::tcgetattr(terminal, &m_settings), "ask", "the terminal");
        termios silent = m_settings;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        silent.c_lflag |= static_cast<tcflag_t>(ECHONL);
        ::tcsetattr(terminal, TCSAFLUSH, &silent);
    }
    ~Silence() {
        ::tcsetattr(m_terminal, TCSAFLUSH, &m_settings);
        for (std::size_t i = 0; i < kSignals.size(); ++i) {
            ::sigaction(kSignals.at(i), &m_before.at(i), nullptr);
        }
        if (interruptedBy != 0) {
            std::raise(interruptedBy);
        }
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    static constexpr std::array<int, 5> kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    int m_terminal;
    termios m_settings{};
    std::array<struct sigaction, kSignals.size()> m_before{};
};

bool isUtf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8Length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

/// One line, read octet by octet, for what follows belongs to the next question.
crypto::Password readLine(int file) {
    crypto::SecretBuffer line(kLongestLine);
    const std::span<std::byte> octets = line.writable();
    std::size_t size = 0;
    bool any = false;
    for (;;) {
        std::byte octet{};
        const ssize_t got = ::read(file, &octet, 1);
        if (got < 0 && errno == EINTR && interruptedBy == 0) {
            continue;
        }
        if (got <= 0 || octet == std::byte{'\n'}) {
            any = any || got > 0;
            break;
        }
        if (size == octets.size()) {
            throw Refusal(EX_DATAERR, "the password is longer than " +
                                          std::to_string(kLongestLine) + " octets");
        }
        any = true;
        octets[size++] = octet;
    }
    if (!any) {
        throw Refusal(EX_NOINPUT,
                      "no password was given; type it at the terminal, or write it as "
                      "a line on standard input");
    }
    if (size > 0 && octets[size - 1] == std::byte{'\r'}) {
        --size;
    }
    const std::string_view text = line.text().substr(0, size);
    if (!isUtf8(text)) {
        // A request is JSON: the password would silently become another one on its way.
        throw Refusal(EX_DATAERR, "the password is not UTF-8; type or convert it in that encoding");
    }
    return crypto::Password(text);
}

}  // namespace

crypto::Password readPassword(const std::string& prompt) {
    if (::isatty(STDIN_FILENO) == 0) {
        return readLine(STDIN_FILENO);
    }
    // The terminal itself, so that the prompt shows even where standard output and error are files.
    const Descriptor terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    const int file = terminal ? terminal.get() : STDIN_FILENO;
    const Silence silence(file);
    const ssize_t shown = ::write(terminal ? file : STDERR_FILENO, prompt.data(), prompt.size());
    static_cast<void>(shown);  // a prompt that cannot be shown changes nothing
    return readLine(file);
}

std::optional<crypto::Password> takePasswordFromEnvironment() {
    char* value = std::getenv("POSTERN_PASSWORD");  // one thread yet
    if (value == nullptr) {
        return std::nullopt;
    }
    const std::span<char> text(value, std::strlen(value));
    crypto::Password password(std::string_view(text.data(), text.size()));
    crypto::wipe(text);
    return password;
}

}  // namespace gateway
