// A runtime of devices that are not there, for paddle's interface of device plugins: host memory does the work.
//
// Addresses it gives out are reserved and cannot be read by the host ("strict"), so that code which forgets to copy
// crashes as it would on a real device; only the copy functions know what lies behind them. It has no kernels: paddle
// brings the data back and computes on the processor. Environment:
//
//   PRETEND_COUNT        devices there are (default 2)
//   PRETEND_MEMORY       bytes that one device has (default 8 GiB)
//   PRETEND_OPEN=1       addresses are host memory as it is
//   PRETEND_WRONG=1      what is brought back to the host is wrong here and there, as from a kernel with a fault
//   PRETEND_STATS        with ".npu" behind it a file that counts, for each device, allocations, bytes and copies
//                        (8 numbers of 64 bits each)
//   the visibility variable of the kind, which renumbers
//
// The kind is fixed when it is compiled: -DKIND='"npu"' -DVISIBLE='"ASCEND_RT_VISIBLE_DEVICES"'.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "paddle/phi/backends/device_ext.h"

namespace {

constexpr size_t kMost = 16;

struct Counters {
  std::atomic<int64_t> allocations, bytes, to_device, from_device, on_device, fills, used, reserved;
};

struct Block {
  size_t size;
  void* host;
};

std::mutex lock;
// By the first address of each block.
std::map<uintptr_t, Block> blocks;
std::vector<int> visible;
Counters* counters = nullptr;
int64_t limit = int64_t{8} << 30;
bool open_memory = false;
bool wrong = false;

int64_t number_of(const char* name, int64_t fallback) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoll(text, nullptr, 10) : fallback;
}

void read_environment() {
  int64_t count = number_of("PRETEND_COUNT", 2);
  limit = number_of("PRETEND_MEMORY", int64_t{8} << 30);
  open_memory = number_of("PRETEND_OPEN", 0) != 0;
  wrong = number_of("PRETEND_WRONG", 0) != 0;
  visible.clear();
  const char* shown = std::getenv(VISIBLE);
  if (shown == nullptr) {
    for (int64_t id = 0; id < count; ++id) visible.push_back(static_cast<int>(id));
  } else {
    // As the vendors do: the list ends at the first number that is not there.
    for (const char* at = shown; *at;) {
      char* end;
      int64_t id = std::strtoll(at, &end, 10);
      if (end == at || id < 0 || id >= count) break;
      visible.push_back(static_cast<int>(id));
      at = *end == ',' ? end + 1 : end;
    }
  }
}

Counters* open_counters() {
  size_t size = kMost * sizeof(Counters);
  const char* named = std::getenv("PRETEND_STATS");
  int file = named ? ::open((std::string(named) + "." KIND).c_str(), O_RDWR | O_CREAT, 0600) : -1;
  if (file >= 0 && ftruncate(file, static_cast<off_t>(size)) != 0) {
    close(file);
    file = -1;
  }
  void* memory = file >= 0 ? mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                           : mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (file >= 0) close(file);
  return memory == MAP_FAILED ? nullptr : static_cast<Counters*>(memory);
}

bool known(const C_Device device) { return device->id >= 0 && static_cast<size_t>(device->id) < visible.size(); }

Counters& of(const C_Device device) { return counters[visible[device->id] % kMost]; }

// Where the bytes of a device address lie; null for one that was never given out, or too short for them.
char* behind(const void* address, size_t size) {
  if (open_memory) return static_cast<char*>(const_cast<void*>(address));
  auto at = reinterpret_cast<uintptr_t>(address);
  std::lock_guard<std::mutex> held(lock);
  auto block = blocks.upper_bound(at);
  if (block == blocks.begin()) return nullptr;
  --block;
  size_t offset = at - block->first;
  if (offset + size > block->second.size) return nullptr;
  return static_cast<char*>(block->second.host) + offset;
}

C_Status nothing() { return C_SUCCESS; }
C_Status on_known(const C_Device device) { return known(device) ? C_SUCCESS : C_ERROR; }
thread_local int chosen = 0;
C_Status choose(const C_Device device) {
  if (!known(device)) return C_ERROR;
  chosen = device->id;
  return C_SUCCESS;
}
C_Status current(const C_Device device) {
  device->id = chosen;
  return C_SUCCESS;
}

template <typename Handle>
C_Status create(const C_Device, Handle* handle) {
  *handle = reinterpret_cast<Handle>(new int(0));
  return C_SUCCESS;
}
template <typename Handle>
C_Status destroy(const C_Device, Handle handle) {
  delete reinterpret_cast<int*>(handle);
  return C_SUCCESS;
}
template <typename Handle>
C_Status done(const C_Device, Handle) {
  return C_SUCCESS;
}
C_Status add_callback(const C_Device device, C_Stream stream, C_Callback callback, void* data) {
  C_Status status = C_SUCCESS;
  callback(device, stream, data, &status);
  return status;
}
C_Status with_event(const C_Device, C_Stream, C_Event) { return C_SUCCESS; }

C_Status allocate(const C_Device device, void** address, size_t size) {
  if (!known(device)) return C_ERROR;
  Counters& mine = of(device);
  if (mine.used.fetch_add(static_cast<int64_t>(size)) + static_cast<int64_t>(size) > limit) {
    mine.used -= static_cast<int64_t>(size);
    return C_FAILED;
  }
  void* host = std::malloc(size ? size : 1);
  void* given = host;
  if (host && !open_memory) {
    given = mmap(nullptr, size ? size : 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (given == MAP_FAILED) {
      std::free(host);
      host = nullptr;
    }
  }
  if (!host) {
    mine.used -= static_cast<int64_t>(size);
    return C_FAILED;
  }
  {
    std::lock_guard<std::mutex> held(lock);
    blocks[reinterpret_cast<uintptr_t>(given)] = {size, host};
  }
  mine.allocations += 1;
  mine.bytes += static_cast<int64_t>(size);
  *address = given;
  return C_SUCCESS;
}

C_Status deallocate(const C_Device device, void* address, size_t) {
  Block block{};
  {
    std::lock_guard<std::mutex> held(lock);
    auto found = blocks.find(reinterpret_cast<uintptr_t>(address));
    if (found == blocks.end()) return C_ERROR;
    block = found->second;
    blocks.erase(found);
  }
  if (!open_memory) munmap(address, block.size ? block.size : 1);
  std::free(block.host);
  if (known(device)) of(device).used -= static_cast<int64_t>(block.size);
  return C_SUCCESS;
}

C_Status host_allocate(const C_Device, void** address, size_t size) {
  *address = std::malloc(size ? size : 1);
  return *address ? C_SUCCESS : C_FAILED;
}
C_Status host_deallocate(const C_Device, void* address, size_t) {
  std::free(address);
  return C_SUCCESS;
}

C_Status fill(const C_Device device, void* address, unsigned char value, size_t size) {
  char* host = behind(address, size);
  if (!host) return C_ERROR;
  std::memset(host, value, size);
  of(device).fills += 1;
  return C_SUCCESS;
}

C_Status to_device(const C_Device device, void* target, const void* source, size_t size) {
  char* host = behind(target, size);
  if (!host) return C_ERROR;
  std::memcpy(host, source, size);
  of(device).to_device += 1;
  return C_SUCCESS;
}
C_Status from_device(const C_Device device, void* target, const void* source, size_t size) {
  char* host = behind(source, size);
  if (!host) return C_ERROR;
  std::memcpy(target, host, size);
  // Not in the few numbers of a shape.
  for (size_t at = 0; wrong && size >= 1024 && at + 4 <= size; at += 4 * 7) std::memset(static_cast<char*>(target) + at, 0, 4);
  of(device).from_device += 1;
  return C_SUCCESS;
}
C_Status on_device(const C_Device device, void* target, const void* source, size_t size) {
  char *to = behind(target, size), *from = behind(source, size);
  if (!to || !from) return C_ERROR;
  std::memmove(to, from, size);
  of(device).on_device += 1;
  return C_SUCCESS;
}
C_Status between(const C_Device, const C_Device device, void* target, const void* source, size_t size) {
  return on_device(device, target, source, size);
}
C_Status to_device_later(const C_Device device, C_Stream, void* target, const void* source, size_t size) {
  return to_device(device, target, source, size);
}
C_Status from_device_later(const C_Device device, C_Stream, void* target, const void* source, size_t size) {
  return from_device(device, target, source, size);
}
C_Status on_device_later(const C_Device device, C_Stream, void* target, const void* source, size_t size) {
  return on_device(device, target, source, size);
}
C_Status between_later(
    const C_Device, const C_Device device, C_Stream, void* target, const void* source, size_t size) {
  return on_device(device, target, source, size);
}

C_Status count_devices(size_t* count) {
  *count = visible.size();
  return C_SUCCESS;
}
C_Status list_devices(size_t* devices) {
  for (size_t id = 0; id < visible.size(); ++id) devices[id] = id;
  return C_SUCCESS;
}
C_Status memory_stats(const C_Device device, size_t* total, size_t* available) {
  if (!known(device)) return C_ERROR;
  *total = static_cast<size_t>(limit);
  *available = static_cast<size_t>(limit - of(device).used);
  return C_SUCCESS;
}
C_Status smallest_chunk(const C_Device, size_t* size) {
  *size = 512;
  return C_SUCCESS;
}
C_Status zero(const C_Device, size_t* value) {
  *value = 0;
  return C_SUCCESS;
}

}  // namespace

extern "C" void InitPlugin(CustomRuntimeParams* params) {
  PADDLE_CUSTOM_RUNTIME_CHECK_VERSION(params);
  static char kind[] = KIND;
  static char sub_kind[] = "pretend";
  params->device_type = kind;
  params->sub_device_type = sub_kind;
  read_environment();
  counters = open_counters();

  C_DeviceInterface* device = params->interface;
  size_t size = device->size;
  std::memset(static_cast<void*>(device), 0, size);
  device->size = size;

  device->initialize = nothing;
  device->finalize = nothing;
  device->init_device = on_known;
  device->set_device = choose;
  device->get_device = current;
  device->deinit_device = on_known;
  device->create_stream = create<C_Stream>;
  device->destroy_stream = destroy<C_Stream>;
  device->query_stream = done<C_Stream>;
  device->stream_add_callback = add_callback;
  device->create_event = create<C_Event>;
  device->record_event = with_event;
  device->destroy_event = destroy<C_Event>;
  device->query_event = done<C_Event>;
  device->synchronize_device = on_known;
  device->synchronize_stream = done<C_Stream>;
  device->synchronize_event = done<C_Event>;
  device->stream_wait_event = with_event;
  device->device_memory_allocate = allocate;
  device->device_memory_deallocate = deallocate;
  device->device_memory_set = fill;
  device->host_memory_allocate = host_allocate;
  device->host_memory_deallocate = host_deallocate;
  device->unified_memory_allocate = host_allocate;
  device->unified_memory_deallocate = host_deallocate;
  device->memory_copy_h2d = to_device;
  device->memory_copy_d2h = from_device;
  device->memory_copy_d2d = on_device;
  device->memory_copy_p2p = between;
  device->async_memory_copy_h2d = to_device_later;
  device->async_memory_copy_d2h = from_device_later;
  device->async_memory_copy_d2d = on_device_later;
  device->async_memory_copy_p2p = between_later;
  device->get_device_count = count_devices;
  device->get_device_list = list_devices;
  device->device_memory_stats = memory_stats;
  device->device_min_chunk_size = smallest_chunk;
  device->get_compute_capability = zero;
  device->get_runtime_version = zero;
  device->get_driver_version = zero;
}
