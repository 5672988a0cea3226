// The DATA and BDAT reader: any split gives the same octets, and they are those of a plain reading
// of RFC 5321 4.5.2. Input: form, seed of the split, what the client sends.
#include "smtp/data_reader.h"
#include "tests/fuzz/fuzzing.h"
#include "tests/fuzz/stored_form.h"

namespace {

using smtp::DataReader;

struct Outcome {
    std::string stored;
    std::size_t taken = 0;
    std::uint64_t size = 0;
    bool ended = false;
    bool operator==(const Outcome&) const = default;
};

template <typename Pieces>
Outcome read(DataReader::Form form, std::size_t total, Pieces pieces) {
    DataReader reader(form);
    Outcome outcome;
    std::size_t given = 0;
    while (!pieces.empty() && !outcome.ended) {
        std::string_view piece = pieces.next();
        given += piece.size();
        outcome.ended = reader.push(piece, outcome.stored);
        outcome.taken = given - piece.size();
        fuzz::claim(outcome.ended || piece.empty(), "all is taken before the end of data");
    }
    fuzz::claim(outcome.ended || outcome.taken == total, "all pieces are taken");
    if (form == DataReader::Form::Chunks) {
        reader.finish(outcome.stored);
    }
    outcome.size = reader.size();
    return outcome;
}

bool hasBareLf(std::string_view text) {
    for (std::size_t lf = text.find('\n'); lf != std::string_view::npos;
         lf = text.find('\n', lf + 1)) {
        if (lf == 0 || text[lf - 1] != '\r') {
            return true;
        }
    }
    return false;
}

}  // namespace

void fuzz::run(std::string_view input) {
    Portions portions(input);
    const bool dots = portions.octet() % 2 == 0;
    const std::uint8_t seed = portions.octet();
    const std::string_view wire = portions.rest();
    const auto form = dots ? DataReader::Form::Dots : DataReader::Form::Chunks;

    const Outcome whole = read(form, wire.size(), Whole(wire));
    claim(whole == read(form, wire.size(), Splitter(wire, seed)), "any split gives the same");
    const StoredForm plain = dots ? storedFromDots(wire) : storedFromChunks(wire);
    claim(whole.stored == plain.octets, "stored is what a plain reading stores");
    claim(whole.size == plain.size, "the size is that of a plain reading");
    claim(whole.ended == plain.ended, "data ends where a plain reading ends it");
    claim(!whole.ended || whole.taken == plain.taken, "what follows the end is left");
    claim(!hasBareLf(whole.stored), "no bare LF is stored");
    claim(!(whole.ended || !dots) || whole.stored.empty() || whole.stored.ends_with("\r\n"),
          "a stored message ends by CRLF");
}
