#include "gateway/answer.h"

#include <exception>

#include "gateway/base/error.h"
#include "gateway/exit_code.h"

namespace gateway {

namespace {

using nlohmann::json;

json failure(int exit, const std::string& text, const std::string& code) {
    return {{"ok", false}, {"error", text}, {"exit", exit}, {"code", code}};
}

}  // namespace

json answerOf(const std::function<json()>& work) noexcept {
    try {
        json answer = work();
        answer["ok"] = true;
        return answer;
    } catch (const Refusal& refusal) {
        return failure(refusal.exit, refusal.text, refusal.code);
    } catch (const Error& error) {
        return failure(exitCodeOf(error.kind()), error.what(),
                       error.kind() == Error::Kind::Busy ? "conflict" : "trouble");
    } catch (const std::exception& error) {
        return failure(EX_SOFTWARE, error.what(), "trouble");
    }
}

}  // namespace gateway
