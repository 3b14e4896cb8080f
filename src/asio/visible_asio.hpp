// Asio, as everything here includes it.
//
// Purpose: the library is compiled with hidden visibility, but Asio keeps thread-local and static data in weak symbols:
//          hidden in a shared library they are there twice, and `dispatch` and `running_in_this_thread` on the caller's
//          io_context no longer see that they are on its thread.
//          And a standard header comes first: without one Asio does not see which library it is compiled with, allocates by
//          operator new what a file that has included one frees by std::free, and both have a hand in the same memory.
#pragma once

#include <cstdlib>

#pragma GCC visibility push(default)
#include <asio/any_io_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#pragma GCC visibility pop

#if !defined(ASIO_HAS_STD_ALIGNED_ALLOC)
#error "an Asio header was included before any standard one: see above"
#endif
