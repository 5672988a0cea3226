#include "gateway/output.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>

#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"

namespace gateway {

namespace {

constexpr std::size_t kLongestComplaint = 4000;

std::size_t widthOf(std::string_view text) {
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins));
}

}  // namespace

void print(std::string_view text) {
    while (!text.empty()) {
        const ssize_t wrote = ::write(STDOUT_FILENO, text.data(), text.size());
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        check(wrote, "write to", "standard output");
        text.remove_prefix(static_cast<std::size_t>(wrote));
    }
}

void complain(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    std::cerr << "postern: " << printable(text, kLongestComplaint) << '\n';
}

void requireOutput() {
    if (::fcntl(STDOUT_FILENO, F_GETFL) < 0) {
        throw Refusal(
            EX_USAGE,
            "standard output is closed, and what would be shown there is shown only once; open it");
    }
}

std::string asTable(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], widthOf(row[i]));
        }
    }
    std::string result;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            result += row[i];
            if (i + 1 < row.size()) {
                result.append(widths[i] - widthOf(row[i]) + 2, ' ');
            }
        }
        result += '\n';
    }
    return result;
}

}  // namespace gateway
