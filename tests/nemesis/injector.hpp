// Injector: carries a schedule out.
#pragma once

#include "nemesis/load.hpp"
#include "nemesis/network.hpp"
#include "nemesis/nodes.hpp"
#include "nemesis/proxy.hpp"
#include "nemesis/schedule.hpp"

#include <map>

namespace nemesis {

class Injector {
 public:
  Injector(Network& network, Nodes& nodes, Book& book);

  /// Until the schedule is over, something is found, or somebody asks this process to end. All faults are over then.
  void run(const std::vector<Event>& schedule, Load& load, std::chrono::seconds length);
  /// Everything works again: cables, disks, processes.
  void heal();

  /// What was done, and when, a line each.
  [[nodiscard]] const std::string& diary() const { return diary_; }
  [[nodiscard]] const std::map<Fault, unsigned>& counts() const { return counts_; }
  [[nodiscard]] std::size_t bits_flipped() const { return bits_flipped_; }
  [[nodiscard]] unsigned fickle_node() const { return fickle_node_; }  ///< 0: no bit was flipped.

 private:
  using Step = std::function<void()>;
  void later(std::chrono::milliseconds after, std::string what, Step step);
  void take_steps(std::chrono::steady_clock::time_point due);
  void inject(const Event& event);
  /// Returns how it ends; nothing when it ends by itself.
  [[nodiscard]] Step begin(const Event& event, unsigned node);
  [[nodiscard]] Step begin_process(const Event& event, unsigned node);
  [[nodiscard]] Step begin_network(const Event& event, unsigned node);
  [[nodiscard]] Step begin_proxy(const Event& event, unsigned node);
  /// Killed, and nothing leaves its machine any more: of a process that is only killed, the kernel goes on to send what
  /// it had written.
  void power_off(unsigned node);
  void power_on(unsigned node);
  void when_it_leads(unsigned node, std::chrono::steady_clock::time_point at_latest, Step then);
  void strand(unsigned leader, std::uint64_t dice);
  [[nodiscard]] Step pause(unsigned node, std::uint64_t dice);
  [[nodiscard]] Step blink(unsigned node, std::uint64_t dice);
  void step_clock(unsigned node, std::uint64_t dice);
  [[nodiscard]] Step cut(std::vector<std::pair<unsigned, unsigned>> directions);
  [[nodiscard]] Step flap(unsigned node);
  void flap_now();
  void note(const std::string& what);

  Network& network_;
  Nodes& nodes_;
  Book& book_;
  Load* load_ = nullptr;  ///< During `run`.
  std::multimap<std::chrono::steady_clock::time_point, std::pair<std::string, Step>> steps_;
  std::vector<std::unique_ptr<Proxy>> proxies_;  ///< By node, from 1.
  std::map<unsigned, bool> flapping_;            ///< Whose cables, and whether it is in.
  std::chrono::steady_clock::time_point flap_at_;
  bool stranding_ = false;
  bool ending_ = false;  ///< What was to come later comes now.
  std::string diary_;
  std::map<Fault, unsigned> counts_;
  std::size_t bits_flipped_ = 0;
  unsigned fickle_node_ = 0;
};

}  // namespace nemesis
