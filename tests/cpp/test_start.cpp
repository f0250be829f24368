// One thread starts, others wait for it without the GIL, and a wait that could not end is refused.
#include "loader/bootstrap/start.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "loader/bootstrap/awaited.h"
#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/log_sinks.h"

namespace epy {

namespace {

std::atomic<int> waiting_without_gil = 0; // threads
std::atomic<int> waited_without_gil = 0;

} // namespace

// In place of the loader's, which knows a Python.
gil_release::gil_release() noexcept : state_(nullptr) {
    ++waiting_without_gil;
    ++waited_without_gil;
}

gil_release::~gil_release() { --waiting_without_gil; }

namespace {

// What threads wait for inside Python.
std::mutex joins_lock;
std::map<pthread_t, pthread_t> joins;

} // namespace

// In place of the loader's, which asks Python.
bool find_awaited(pthread_t thread, pthread_t &awaited) noexcept {
    const std::scoped_lock guard(joins_lock);
    const auto found = joins.find(thread);
    if (found == joins.end()) {
        return false;
    }
    awaited = found->second;
    return true;
}

namespace {

using namespace std::chrono_literals;

// Until so many threads wait in begin(). Between giving up the GIL and the wait itself they hold
// the lock, so whoever takes the lock afterwards finds them waiting.
void until_waiting(int threads) {
    while (waiting_without_gil != threads) {
        std::this_thread::sleep_for(1ms);
    }
}

// A thread that starts the one plugin, whose script needs the other.
std::future<void> start_that_needs(start &mine, start &other) {
    return std::async(std::launch::async, [&] {
        EXPECT_EQ(mine.begin(), turn::ours);
        EXPECT_EQ(other.begin(), turn::ready);
        mine.finish(turn::ready);
    });
}

class Start : public testing::Test {
protected:
    void SetUp() override { waited_without_gil = 0; }
};

TEST_F(Start, MakesTheFirstCallerTheStarter) {
    start one("one", "advice");
    EXPECT_FALSE(one.is_ready());
    EXPECT_EQ(one.begin(), turn::ours);
    one.finish(turn::ready);
    EXPECT_TRUE(one.is_ready());
    EXPECT_EQ(one.begin(), turn::ready);
    EXPECT_EQ(waited_without_gil, 0);
}

TEST_F(Start, HasOneStarterAmongManyThreads) {
    constexpr int count = 8;
    for (int round = 0; round < 50; ++round) {
        start one("one", "advice");
        std::atomic<int> starters = 0;
        std::atomic<int> ready = 0;
        std::latch together(count);
        std::vector<std::jthread> threads;
        for (int i = 0; i < count; ++i) {
            threads.emplace_back([&] {
                together.arrive_and_wait();
                const turn mine = one.begin();
                if (mine == turn::ours) {
                    ++starters;
                    one.finish(turn::ready);
                }
                ready += mine == turn::ready;
            });
        }
        threads.clear();
        EXPECT_EQ(starters, 1);
        EXPECT_EQ(ready, count - 1);
    }
}

TEST_F(Start, ReleasesWaitersWithItsOutcome) {
    for (const turn outcome : {turn::ready, turn::failed}) {
        start one("one", "advice");
        ASSERT_EQ(one.begin(), turn::ours);
        auto first = std::async(std::launch::async, [&] { return one.begin(); });
        auto second = std::async(std::launch::async, [&] { return one.begin(); });
        until_waiting(2);
        EXPECT_EQ(first.wait_for(10ms), std::future_status::timeout);
        one.finish(outcome);
        EXPECT_EQ(first.get(), outcome);
        EXPECT_EQ(second.get(), outcome);
        EXPECT_EQ(waiting_without_gil, 0);
    }
    EXPECT_EQ(waited_without_gil, 4);
}

TEST_F(Start, StaysFailed) {
    start one("one", "advice");
    ASSERT_EQ(one.begin(), turn::ours);
    one.finish(turn::failed);
    EXPECT_FALSE(one.is_ready());
    EXPECT_EQ(one.begin(), turn::failed);
}

TEST_F(Start, GoesToAWaiterWhenItWasNotMade) {
    start one("one", "advice");
    ASSERT_EQ(one.begin(), turn::ours);
    auto other = std::async(std::launch::async, [&] {
        const turn mine = one.begin();
        one.finish(turn::ready);
        return mine;
    });
    until_waiting(1);
    one.finish(turn::ours);
    EXPECT_EQ(other.get(), turn::ours);
    EXPECT_TRUE(one.is_ready());
}

TEST_F(Start, RefusesItsOwnThread) {
    start one("one", "advice");
    ASSERT_EQ(one.begin(), turn::ours);
    EXPECT_EQ(one.begin(), turn::circular);
    one.finish(turn::ready);
    EXPECT_EQ(one.begin(), turn::ready);
}

TEST_F(Start, RefusesTheThreadThatWouldCloseACircleOfTwo) {
    start one("one", "advice");
    start two("two", "advice");
    ASSERT_EQ(one.begin(), turn::ours);
    auto other = std::async(std::launch::async, [&] {
        const turn mine = two.begin();
        EXPECT_EQ(one.begin(), turn::ready);
        two.finish(turn::ready);
        return mine;
    });
    until_waiting(1);
    EXPECT_EQ(two.begin(), turn::circular);
    one.finish(turn::ready);
    EXPECT_EQ(other.get(), turn::ours);
    EXPECT_EQ(two.begin(), turn::ready);
}

TEST_F(Start, RefusesTheThreadThatWouldCloseACircleOfThree) {
    start one("one", "advice");
    start two("two", "advice");
    start three("three", "advice");
    ASSERT_EQ(one.begin(), turn::ours);
    auto second = start_that_needs(two, one);
    until_waiting(1);
    auto third = start_that_needs(three, two);
    until_waiting(2);
    EXPECT_EQ(three.begin(), turn::circular);
    one.finish(turn::ready);
    second.get();
    third.get();
    EXPECT_EQ(three.begin(), turn::ready);
}

TEST_F(Start, RefusesACircleThroughPythonAfterAWhile) {
    start one("one", "advice");
    start two("two", "advice");
    ASSERT_EQ(one.begin(), turn::ours);
    const pthread_t starter_of_one = pthread_self();
    auto second = std::async(std::launch::async, [&] {
        EXPECT_EQ(two.begin(), turn::ours);
        auto third = std::async(std::launch::async, [&, starter_of_two = pthread_self()] {
            {
                const std::scoped_lock guard(joins_lock);
                joins[starter_of_one] = starter_of_two;
                joins[starter_of_two] = pthread_self();
            }
            name_list circle;
            EXPECT_EQ(one.begin(nullptr, &circle), turn::circular);
            return circle;
        });
        EXPECT_STREQ(third.get().text(), "two");
        two.finish(turn::ready);
    });
    second.get();
    joins.clear();
    one.finish(turn::ready);
}

TEST_F(Start, IsWaitedForWithALimitOnlyUntilTheFirstOfThemIsOver) {
    start one("one", "advice");
    const auto now = std::chrono::steady_clock::now();
    const auto never = now + 24h;
    for (int round = 0; round < 2; ++round) {
        ASSERT_EQ(one.begin(), turn::ours);
        auto patient = std::async(std::launch::async, [&] { return one.begin(&never); });
        until_waiting(1);
        auto late = std::async(std::launch::async, [&] { return one.begin(&now); });
        EXPECT_EQ(late.get(), turn::circular);
        auto later = std::async(std::launch::async, [&] { return one.begin(&never); });
        EXPECT_EQ(later.get(), turn::circular);
        one.finish(round == 0 ? turn::ours : turn::ready);
        EXPECT_EQ(patient.get(), round == 0 ? turn::ours : turn::ready);
        if (round == 0) {
            one.finish(turn::ours); // the next starter is waited for anew
        }
    }
}

TEST_F(Start, LetsAChainOfWaitersEnd) {
    start one("one", "advice");
    start two("two", "advice");
    ASSERT_EQ(one.begin(), turn::ours);
    auto second = start_that_needs(two, one);
    until_waiting(1);
    auto third = std::async(std::launch::async, [&] { return two.begin(); });
    until_waiting(2);
    one.finish(turn::ready);
    second.get();
    EXPECT_EQ(third.get(), turn::ready);
}

TEST_F(Start, SaysThatAWaitLastsToASinkThatStartsSomething) {
    struct host {
        start other{"other", "advice"};
        std::latch told{1};

        static void log(int, const char *, const epy_error *, void *self) {
            host &here = *static_cast<host *>(self);
            EXPECT_EQ(here.other.begin(), turn::ours);
            here.other.finish(turn::ready);
            here.told.count_down();
        }
    } here;
    start one("one", "advice");
    set_sink(nullptr, nullptr, host::log, &here);
    ASSERT_EQ(one.begin(), turn::ours);
    auto waiting = std::async(std::launch::async, [&] { return one.begin(); });
    here.told.wait();
    one.finish(turn::ready);
    EXPECT_EQ(waiting.get(), turn::ready);
    set_sink(nullptr, nullptr, nullptr, nullptr);
}

TEST_F(Start, FailsInAForkedChildWhoseParentWasStartingIt) {
    start one("one", "advice");
    start fresh("fresh", "advice");
    std::latch started(1);
    std::latch forked(1);
    auto starter = std::async(std::launch::async, [&] {
        EXPECT_EQ(one.begin(), turn::ours);
        started.count_down();
        forked.wait();
        one.finish(turn::ready);
    });
    started.wait();
    const pid_t child = fork();
    if (child == 0) {
        const bool right = one.begin() == turn::failed && fresh.begin() == turn::ours;
        _exit(right ? 0 : 1);
    }
    int result = -1;
    EXPECT_EQ(waitpid(child, &result, 0), child);
    EXPECT_EQ(result, 0);
    forked.count_down();
    starter.get();
    EXPECT_TRUE(one.is_ready());
}

} // namespace

} // namespace epy
