// The load generator of `make bench`: bench_load KIND --name value…
// Says "ready", begins after a line on standard input, ends with one line of JSON.
#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>
#include <sys/resource.h>

#include "tests/bench/loads.h"

namespace bench {

Options::Options(std::vector<std::string> words) {
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
        m_values[words[i].substr(words[i].starts_with("--") ? 2 : 0)] = words[i + 1];
    }
}

std::string Options::text(const std::string& name, const std::string& otherwise) const {
    const auto found = m_values.find(name);
    return found == m_values.end() ? otherwise : found->second;
}

long Options::number(const std::string& name, long otherwise) const {
    const auto found = m_values.find(name);
    return found == m_values.end() ? otherwise : std::stol(found->second);
}

Server Options::server() const {
    return {text("host", "127.0.0.1"), static_cast<std::uint16_t>(number("port", 25))};
}

std::size_t Options::connections() const {
    return static_cast<std::size_t>(number("connections", 1));
}

std::chrono::duration<double> Options::time() const {
    return std::chrono::milliseconds(number("milliseconds", 5000));
}

std::vector<std::string> linesOf(const std::string& file) {
    std::vector<std::string> lines;
    std::ifstream from(file);
    for (std::string line; std::getline(from, line);) {
        lines.push_back(line);
    }
    if (lines.empty()) {
        throw std::runtime_error(file + ": empty or not there");
    }
    return lines;
}

std::vector<Account> accountsOf(const std::string& file) {
    std::vector<Account> accounts;
    for (const std::string& line : linesOf(file)) {
        const std::size_t blank = line.find(' ');
        accounts.push_back({line.substr(0, blank), line.substr(blank + 1)});
    }
    return accounts;
}

}  // namespace bench

int main(int count, char** words) {
    const std::map<std::string, std::function<bool(const bench::Options&)>> kinds{
        {"smtp", bench::sendMessages}, {"pop3", bench::fetchMessages}, {"logins", bench::logIn},
        {"list", bench::list},         {"idle", bench::stayIdle},      {"files", bench::makeFiles}};
    std::signal(SIGPIPE, SIG_IGN);
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    const auto kind = kinds.find(count > 1 ? words[1] : "");
    if (kind == kinds.end()) {
        std::cerr << "usage: bench_load smtp|pop3|logins|list|idle|files --name value…\n";
        return 64;
    }
    try {
        return kind->second(bench::Options(std::vector<std::string>(words + 2, words + count))) ? 0
                                                                                                : 1;
    } catch (const std::exception& error) {
        std::cerr << "bench_load: " << error.what() << '\n';
        return 70;
    }
}
