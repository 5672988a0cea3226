#include "tests/bench/crew.h"

#include <algorithm>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <thread>

namespace bench {

namespace {

float milliseconds(Clock::duration time) {
    return std::chrono::duration<float, std::milli>(time).count();
}

double cpuSeconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// The smallest that is not less than this share of all.
float quantile(const std::vector<float>& sorted, double share) {
    if (sorted.empty()) {
        return 0;
    }
    const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
    return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace

void Tally::count(std::uint64_t size, Clock::time_point since) {
    last = Clock::now();
    waits.push_back(milliseconds(last - since));
    octets += size;
    ++done;
}

void Tally::fail(const std::string& what) {
    ++failed;
    trouble = trouble.empty() ? what : trouble;
}

void Tally::add(const Tally& other) {
    done += other.done;
    failed += other.failed;
    octets += other.octets;
    waits.insert(waits.end(), other.waits.begin(), other.waits.end());
    last = std::max(last, other.last);
    trouble = trouble.empty() ? other.trouble : trouble;
}

bool Crew::run(const std::function<void(Work&)>& worker) {
    std::vector<Tally> tallies(m_connections);
    std::vector<std::thread> threads;
    for (std::size_t number = 0; number < m_connections; ++number) {
        threads.emplace_back([this, &worker, number, &tally = tallies[number]] {
            bool begun = false;
            Work work{number,
                      [this, &begun] {
                          begun = true;
                          m_ready.arrive_and_wait();  // all are ready
                          m_ready.arrive_and_wait();  // and told to begin
                      },
                      [this] { return Clock::now() - m_start.load() < m_time; }, tally};
            try {
                worker(work);
            } catch (const std::exception& error) {
                tally.fail(error.what());
            }
            if (!begun) {
                work.begin();
            }
        });
    }
    m_ready.arrive_and_wait();
    std::cout << "ready" << std::endl;
    std::string go;
    std::getline(std::cin, go);
    const double cpu = cpuSeconds();
    m_start = Clock::now();
    m_ready.arrive_and_wait();
    Tally all;
    all.last = m_start;
    for (std::size_t number = 0; number < m_connections; ++number) {
        threads[number].join();
        all.add(tallies[number]);
    }
    std::sort(all.waits.begin(), all.waits.end());
    report(all, cpuSeconds() - cpu);
    return all.failed == 0;
}

void Crew::report(const Tally& all, double cpu) const {
    const std::chrono::duration<double> took = all.last - m_start.load();
    nlohmann::json figures;
    figures["done"] = all.done;
    figures["failed"] = all.failed;
    figures["seconds"] = took.count();
    figures["rate"] = all.done == 0 ? 0 : static_cast<double>(all.done) / took.count();
    figures["octets"] = all.octets;
    figures["p50"] = quantile(all.waits, 0.5);
    figures["p99"] = quantile(all.waits, 0.99);
    figures["load_cpu"] = cpu;
    figures["trouble"] = all.trouble;
    std::cout << figures.dump() << std::endl;
}

}  // namespace bench
