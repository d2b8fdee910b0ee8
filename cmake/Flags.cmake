# Warnings are errors; hardening in optimised builds; sanitizers by LANTOA_SANITIZE (address,undefined or thread).
add_compile_definitions(_GNU_SOURCE)
add_compile_options(
    -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
    -Wwrite-strings -Wundef -Wdouble-promotion -Wimplicit-fallthrough -fno-common -fvisibility=hidden
    -fstack-protector-strong -fPIC)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wlogical-op -Wduplicated-cond -Wno-format-nonliteral -fstack-clash-protection)
else()
    add_compile_options(-Wno-format-nonliteral)
endif()
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,--as-needed)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    # Asserts are ours (BASE_ASSERT) and stay on.
    set(CMAKE_C_FLAGS_RELEASE "-O2 -g1 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2")
endif()
set(LANTOA_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined")
if(LANTOA_SANITIZE)
    add_compile_options(-fsanitize=${LANTOA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${LANTOA_SANITIZE})
endif()
if(LANTOA_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
