// fork by a host that knows nothing of Python.
#pragma once

namespace epy {

// From now on a fork outside of os.fork leaves a child in which Python works. GIL held; once.
void follow_forks();

} // namespace epy
