// What a shared library shows of itself.
//
// Purpose: the library is compiled with hidden visibility; what is marked CLOUDP2P_API can be linked to. The interfaces
//          need no mark: all that they consist of is in the headers.
#pragma once

#if defined(__GNUC__) || defined(__clang__)
#define CLOUDP2P_API __attribute__((visibility("default")))
#else
#define CLOUDP2P_API
#endif
