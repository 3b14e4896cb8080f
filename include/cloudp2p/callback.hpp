// Callback: a move-only function.
//
// Purpose:   completion handlers that own buffers, handles and other callbacks. `std::function` cannot (it copies) and
//            `std::move_only_function` is C++23.
// Thread:    not synchronised; whoever takes a Callback says where it runs (most: on the node's thread, never inline) and
//            how often: completion handlers once, progress and look-ups any number of times.
// Ownership: owns the callable and everything captured by it; destroyed uncalled when its holder is destroyed.
#pragma once

#include <cassert>
#include <memory>
#include <type_traits>
#include <utility>

namespace cloudp2p {

template <class Signature>
class Callback;

/// An R(Args...) that may be moved and need not be copyable. Empty when default-constructed or moved from.
template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  Callback() = default;
  /// An empty one.
  Callback(std::nullptr_t) {}
  /// Of anything that can be called so. The callable is moved, or copied, to the heap.
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> && std::is_invocable_r_v<R, F&, Args...>)
  Callback(F&& callable) : target_(std::make_unique<Target<std::decay_t<F>>>(std::forward<F>(callable))) {}

  /// Whether there is something to call.
  [[nodiscard]] explicit operator bool() const noexcept { return target_ != nullptr; }

  /// Calls it. Calling an empty Callback is a bug of the caller. The callable stays alive until the call returns.
  R operator()(Args... args) const {
    assert(target_ != nullptr);
    return target_->call(std::forward<Args>(args)...);
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual R call(Args... args) = 0;
  };
  template <class F>
  struct Target final : Base {
    template <class G>
    explicit Target(G&& callable) : callable_(std::forward<G>(callable)) {}
    R call(Args... args) override { return callable_(std::forward<Args>(args)...); }
    F callable_;
  };
  std::unique_ptr<Base> target_;
};

}  // namespace cloudp2p
