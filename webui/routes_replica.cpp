// What twins ask of each other (docs/replica.md): by tokens of a scope that opens nothing else.
// Never decides what counts: the records do, by their signatures.
#include "webui/routes.h"

namespace webui {

namespace {

/// A bundle of records, see gateway/replica/exchange.h.
constexpr std::size_t kMostBundle = std::size_t{1} << 20U;

}  // namespace

void addReplicaRoutes(Api& api, const Engine& engine) {
    const auto by = [&engine](ReplicaEngine::Answer ReplicaEngine::* answer) {
        return [&engine, answer](Call call) { return (engine.replica.*answer)(std::move(call)); };
    };
    using Replica = ReplicaEngine;
    api.add({"POST", "/replica/hello", Access::Replicate, kMostBodyOfStrangers, "greetTwin",
             by(&Replica::hello)});
    api.add({"GET", "/replica/records", Access::Replicate, 0, "listRecords", by(&Replica::list)});
    api.add({"POST", "/replica/records/fetch", Access::Replicate, kMostBody, "fetchRecords",
             by(&Replica::fetch)});
    api.add({"POST", "/replica/records", Access::Replicate, kMostBundle, "addRecords",
             by(&Replica::add), true});
    api.add(
        {"GET", "/replica/events", Access::Replicate, 0, "listenToRecords", by(&Replica::listen)});
    api.add({"POST", "/replica/challenges", Access::Replicate, kMostBody, "exchangeChallenges",
             by(&Replica::challenges)});
    api.add({"POST", "/replica/waiting", Access::Replicate, kMostBody, "tellWaiting",
             by(&Replica::waiting)});
    api.add({"POST", "/replica/join", Access::Join, kMostBodyOfStrangers, "joinTwin",
             by(&Replica::join)});
}

}  // namespace webui
