// Task: a move-only function of no arguments that is stored in place when it is small: events come by the million.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace cloudp2p::sim {

class Task {
 public:
  Task() = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Task>) Task(F&& callable) {
    using Held = std::decay_t<F>;
    if constexpr (fits<Held>()) {
      ::new (static_cast<void*>(storage_)) Held(std::forward<F>(callable));
      ops_ = &kInPlace<Held>;
    } else {
      ::new (static_cast<void*>(storage_)) Held*(new Held(std::forward<F>(callable)));
      ops_ = &kOnHeap<Held>;
    }
  }
  Task(Task&& other) noexcept { take(other); }
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~Task() { reset(); }

  [[nodiscard]] explicit operator bool() const noexcept { return ops_ != nullptr; }
  void operator()() { ops_->call(storage_); }
  void reset() noexcept {
    if (const Ops* ops = std::exchange(ops_, nullptr)) ops->destroy(storage_);
  }

 private:
  static constexpr std::size_t kBytes = 56;
  struct Ops {
    void (*call)(void*);
    void (*move)(void* to, void* from) noexcept;
    void (*destroy)(void*) noexcept;
  };
  template <class F>
  static constexpr bool fits() {
    return sizeof(F) <= kBytes && alignof(F) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<F>;
  }
  template <class F>
  static F& in_place(void* at) noexcept {
    return *std::launder(static_cast<F*>(at));
  }
  template <class F>
  static constexpr Ops kInPlace = {[](void* at) { in_place<F>(at)(); },
                                   [](void* to, void* from) noexcept {
                                     ::new (to) F(std::move(in_place<F>(from)));
                                     in_place<F>(from).~F();
                                   },
                                   [](void* at) noexcept { in_place<F>(at).~F(); }};
  template <class F>
  static constexpr Ops kOnHeap = {[](void* at) { (*in_place<F*>(at))(); },
                                  [](void* to, void* from) noexcept { ::new (to) F*(in_place<F*>(from)); },
                                  [](void* at) noexcept { delete in_place<F*>(at); }};

  void take(Task& other) noexcept {
    ops_ = std::exchange(other.ops_, nullptr);
    if (ops_ != nullptr) ops_->move(storage_, other.storage_);
  }

  alignas(std::max_align_t) std::byte storage_[kBytes];
  const Ops* ops_ = nullptr;
};

}  // namespace cloudp2p::sim
