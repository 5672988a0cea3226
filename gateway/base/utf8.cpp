#include "gateway/base/utf8.h"

#include <algorithm>
#include <array>

namespace gateway {

namespace {

/// Which octets may begin a UTF-8 sequence, which may come second, and how long it is.
struct Utf8Form {
    unsigned char firstFrom;
    unsigned char firstTo;
    unsigned char secondFrom;
    unsigned char secondTo;
    std::size_t length;
};

/// RFC 3629 section 4; what is overlong, a surrogate or beyond U+10FFFF has no form.
constexpr std::array<Utf8Form, 9> kUtf8Forms{{{0x00, 0x7F, 0x00, 0x00, 1},
                                              {0xC2, 0xDF, 0x80, 0xBF, 2},
                                              {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                              {0xE1, 0xEC, 0x80, 0xBF, 3},
                                              {0xED, 0xED, 0x80, 0x9F, 3},
                                              {0xEE, 0xEF, 0x80, 0xBF, 3},
                                              {0xF0, 0xF0, 0x90, 0xBF, 4},
                                              {0xF1, 0xF3, 0x80, 0xBF, 4},
                                              {0xF4, 0xF4, 0x80, 0x8F, 4}}};

}  // namespace

std::size_t utf8Length(std::string_view text) {
    if (text.empty()) {
        return 0;
    }
    const auto isAt = [&](std::size_t i, unsigned char from, unsigned char to) {
        const auto octet = static_cast<unsigned char>(text[i]);
        return octet >= from && octet <= to;
    };
    const auto form = std::find_if(kUtf8Forms.begin(), kUtf8Forms.end(), [&](const Utf8Form& each) {
        return isAt(0, each.firstFrom, each.firstTo);
    });
    if (form == kUtf8Forms.end() || text.size() < form->length) {
        return 0;
    }
    bool wellFormed = form->length == 1 || isAt(1, form->secondFrom, form->secondTo);
    for (std::size_t i = 2; i < form->length; ++i) {
        wellFormed = wellFormed && isAt(i, 0x80, 0xBF);
    }
    return wellFormed ? form->length : 0;
}

}  // namespace gateway
