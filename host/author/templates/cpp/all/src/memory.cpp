// Memory from the C library. The C++ library's own operators would report that none is left on a console,
// and so ask the host for one.
#include <cstdlib>
#include <new>

void *operator new(std::size_t size) {
    void *memory = std::malloc(size ? size : 1);
    if (memory == nullptr) __builtin_trap();
    return memory;
}

void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
