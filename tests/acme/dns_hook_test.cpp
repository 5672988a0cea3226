// The admin's program for dns-01: what it is given, what it says, and that it cannot hold us up.
#include "acme/dns_hook.h"

#include <atomic>
#include <csignal>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>

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

TEST_CASE("one that talks without end is ended like any other") {
    // More than a pipe holds: the file is there once we have read, and there is always more.
    Hook hook("yes & yes | { head -c 300000; : > \"$0.talks\"; exec cat; }\n");
    hook.call.time = std::chrono::seconds(20);
    const gateway::Descriptor stop(::eventfd(0, EFD_CLOEXEC));
    hook.call.stop = stop.get();
    std::thread stopsOnceItTalks([&] {
        while (!std::filesystem::exists(hook.folder / "hook.talks")) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        ::eventfd_write(stop.get(), 1);
    });
    CHECK(says(acme::runHook(hook.call), "the server stops"));
    stopsOnceItTalks.join();

    Hook gone("yes & exit 3\n");  // whose child ends when nobody reads any more
    gone.call.time = std::chrono::seconds(600);
    CHECK(says(acme::runHook(gone.call), "exited with 3"));
}

TEST_CASE("when the server stops, one that tidies up has a moment for it") {
    const gateway::Descriptor stop(::eventfd(1, EFD_CLOEXEC));
    Hook hook("sleep 0.2; echo done > \"$0.done\"\n");
    hook.call.stop = stop.get();
    hook.call.grace = std::chrono::seconds(60);
    CHECK_FALSE(acme::runHook(hook.call).has_value());
    CHECK(std::filesystem::exists(hook.folder / "hook.done"));
    Hook hanging("exec sleep 600\n");
    hanging.call.stop = stop.get();
    hanging.call.grace = std::chrono::seconds(1);
    CHECK(says(acme::runHook(hanging.call), "the server stops"));
}

TEST_CASE("one that hangs is ended with all it started, by time or because the server stops") {
    // By exec, for a shell that waits may still take the end of its child when it is killed itself.
    Hook hook("sleep 600 & echo $! > \"$0.new\"; mv \"$0.new\" \"$0.child\"; exec sleep 600\n");
    hook.call.time = std::chrono::seconds(1);
    CHECK(says(acme::runHook(hook.call), "took longer than 1 s"));

    const std::filesystem::path started = hook.folder / "hook.child";
    std::filesystem::remove(started);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what it started becomes our child when it has ended
    const gateway::Descriptor stop(::eventfd(0, EFD_CLOEXEC));
    std::atomic<bool> over = false;
    std::thread stopsOnceItStarted([&] {
        while (!over && !std::filesystem::exists(started)) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        ::eventfd_write(stop.get(), 1);
    });
    hook.call.time = std::chrono::seconds(600);
    hook.call.stop = stop.get();
    CHECK(says(acme::runHook(hook.call), "the server stops"));
    over = true;
    stopsOnceItStarted.join();
    const auto child = static_cast<pid_t>(std::stol(gateway::readWhole(started, 100)));
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("one whose child keeps the output open does not hold us up") {
    Hook hook("sleep 600 & echo $! > \"$0.child\"; exit 0\n");
    CHECK_FALSE(acme::runHook(hook.call).has_value());
    ::kill(static_cast<pid_t>(std::stol(gateway::readWhole(hook.folder / "hook.child", 100))),
           SIGKILL);
}
