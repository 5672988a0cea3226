// Sealed messages that somebody changed: whatever opens is what was sealed, in order and from its
// start, and only the very file opens whole. Input: which message, seed of the pieces, changes.
#include <array>

#include "tests/crypto/sample.h"
#include "tests/fuzz/fuzzing.h"

namespace {

struct Sample {
    std::string plaintext;
    std::string sealed;
};

constexpr std::array<std::size_t, 6> kSizes{0, 1, 100, 65536, 65537, 131073};

/// Sealed once a process; changes say where, not what, so they mean the same in the next one.
const std::array<Sample, kSizes.size()>& samples() {
    static const auto all = [] {
        std::array<Sample, kSizes.size()> made;
        for (std::size_t i = 0; i < made.size(); ++i) {
            made[i].plaintext = sample::text(kSizes[i]);
            made[i].sealed = sample::sealed(made[i].plaintext, sample::identity().sealKey());
        }
        return made;
    }();
    return all;
}

/// An offset; small ones are in the header, large ones count from the end or by chunks.
std::size_t placeIn(const std::string& file, fuzz::Portions& portions) {
    constexpr std::size_t kStart = crypto::kHeaderSize + crypto::kNonceSize;
    const std::uint8_t from = portions.octet();
    const std::size_t offset = from & 4U ? portions.number() : portions.octet();
    const std::size_t place = from % 4U == 0   ? offset
                              : from % 4U == 1 ? file.size() - std::min(offset, file.size())
                              : from % 4U == 2
                                  ? kStart + offset
                                  : kStart + crypto::kChunkSize + crypto::kTagSize + offset;
    return std::min(place, file.size());
}

void change(std::string& file, fuzz::Portions& portions) {
    const std::uint8_t kind = portions.octet() % 7U;
    const std::size_t place = placeIn(file, portions);
    const std::string& other = samples()[portions.octet() % kSizes.size()].sealed;
    switch (kind) {
        case 0:
            if (place < file.size()) {
                file[place] = static_cast<char>(file[place] ^ portions.octet());
            }
            break;
        case 1:
            file.resize(place);
            break;
        case 2:
            file.erase(place, portions.number());
            break;
        case 3:
            file.insert(place, portions.take(portions.octet()));
            break;
        case 4:  // a part of another file, or of this one, at its own place
            file.replace(place, portions.number(),
                         other.substr(std::min(place, other.size()), portions.number()));
            break;
        case 5:  // chunks in another order
            if (place < file.size()) {
                const std::size_t second = placeIn(file, portions);
                const std::string moved = file.substr(place, crypto::kChunkSize + crypto::kTagSize);
                file.erase(place, moved.size());
                file.insert(std::min(second, file.size()), moved);
            }
            break;
        default:  // again
            file.insert(place, file.substr(place, crypto::kChunkSize + crypto::kTagSize));
    }
}

sample::Opened openInPieces(std::string_view file, std::uint8_t seed) {
    static const crypto::OpenKey kKey = sample::identity();
    // Few distinct sizes: one octet at a time costs too much in a large file.
    static constexpr std::array<std::size_t, 4> kPieces{SIZE_MAX, 65552, 4096, 333};
    return sample::open(file, kKey, kPieces[seed % kPieces.size()]);
}

}  // namespace

void fuzz::run(std::string_view input) {
    Portions portions(input);
    const Sample& original = samples()[portions.octet() % kSizes.size()];
    const std::uint8_t seed = portions.octet();
    std::string file = original.sealed;
    for (int i = 0; i < 4 && !portions.empty(); ++i) {
        change(file, portions);
    }
    const sample::Opened opened = openInPieces(file, seed);
    const bool isAnother = std::any_of(samples().begin(), samples().end(), [&](const Sample& each) {
        return each.sealed == file && each.plaintext == opened.plaintext;
    });
    if (opened.failure.empty()) {
        claim(isAnother, "only the very file opens whole");
    } else {
        claim(file != original.sealed, "what was sealed opens");
        const bool isBeginning = std::any_of(
            samples().begin(), samples().end(),
            [&](const Sample& each) { return each.plaintext.starts_with(opened.plaintext); });
        claim(isBeginning && opened.plaintext.size() % crypto::kChunkSize == 0,
              "what is given out before a failure are whole chunks from the start");
    }
    const std::uint64_t size = portions.number() * 257U;
    claim(crypto::plaintextSize(crypto::sealedSize(size)) == size, "sizes can be told");
    claim(!opened.failure.empty() || crypto::sealedSize(opened.plaintext.size()) == file.size(),
          "a sealed file has the size foretold");
}
