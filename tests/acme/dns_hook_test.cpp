// The admin's program for dns-01: what it is given, what it says, and that it cannot hold us up.
#include "acme/dns_hook.h"

#include <csignal>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "tests/base/temporary_folder.h"

namespace {

struct Hook {
    explicit Hook(const std::string& script) {
        gateway::writeDurably(file, "#!/bin/sh\n" + script, gateway::DurableFile::Existing::Replace,
                              0700);
        call.program = file;
        call.action = "present";
        call.fqdn = "_acme-challenge.example.com.";
        call.value = "a b;$(touch x)";
    }
    shim::TemporaryFolder folder;
    std::filesystem::path file = folder / "hook";
    acme::HookCall call;
};

bool says(const std::optional<std::string>& fault, const std::string& part) {
    return fault && fault->find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("it gets action, name and value as they are; no shell has a look at them") {
    Hook hook("printf '%s|' \"$@\" > \"$0.seen\"; test -z \"$(cat)\"");
    CHECK_FALSE(acme::runHook(hook.call).has_value());
    CHECK(gateway::readWhole(hook.folder / "hook.seen", 1000) ==
          "present|_acme-challenge.example.com.|a b;$(touch x)|");
}

TEST_CASE("one that fails is quoted") {
    Hook hook("echo to output; echo to error >&2; exit 3\n");
    const auto fault = acme::runHook(hook.call);
    CHECK(says(fault, "exited with 3"));
    CHECK(says(fault, "to output"));
    CHECK(says(fault, "to error"));
    Hook killed("kill -TERM $$\n");
    CHECK(says(acme::runHook(killed.call), "was ended by signal 15"));
    Hook gone("");
    gone.call.program = gone.folder / "missing";
    CHECK(says(acme::runHook(gone.call), "cannot be started: No such file"));
}

TEST_CASE("one that talks without end is read to its end, and little of it kept") {
    Hook hook(
        "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
        "i=$((i+1)); done; exit 1\n");
    const auto fault = acme::runHook(hook.call);
    REQUIRE(fault.has_value());
    CHECK(fault->size() < 1200);
}

TEST_CASE("one that hangs is ended with all it started, by time or because the server stops") {
    Hook hook("sleep 600 & echo $! > \"$0.child\"; sleep 600\n");
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what it started becomes our child when it has ended
    const gateway::Descriptor stop(::eventfd(1, EFD_CLOEXEC));
    for (const bool stops : {false, true}) {
        hook.call.time = stops ? std::chrono::seconds(600) : std::chrono::seconds(1);
        hook.call.stop = stops ? stop.get() : -1;
        CHECK(says(acme::runHook(hook.call), stops ? "the server stops" : "took longer than 1 s"));
        if (!stops) {
            const pid_t child =
                static_cast<pid_t>(std::stol(gateway::readWhole(hook.folder / "hook.child", 100)));
            int status = 0;
            CHECK(::waitpid(child, &status, 0) == child);
            CHECK(WIFSIGNALED(status));
        }
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("one whose child keeps the output open does not hold us up") {
    Hook hook("sleep 600 & echo $! > \"$0.child\"; exit 0\n");
    CHECK_FALSE(acme::runHook(hook.call).has_value());
    ::kill(static_cast<pid_t>(std::stol(gateway::readWhole(hook.folder / "hook.child", 100))),
           SIGKILL);
}
