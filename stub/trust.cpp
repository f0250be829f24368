#include "stub/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

namespace epy {

namespace {

constexpr int most_links = 40;

// As the kernel started the program: what the host has done since proves nothing.
bool is_trusted_user(uid_t user) {
    const uid_t effective = static_cast<uid_t>(getauxval(AT_EUID));
    return user == 0 || (user == effective && effective != getauxval(AT_UID));
}

class walk {
public:
    walk(const char *path, trust &found) : found_(found) {
        found_ = {};
        const std::size_t length = strlen(path);
        if (length >= sizeof rest_) {
            doubt_missing(ENAMETOOLONG);
            return;
        }
        if (path[0] != '/' && getcwd(found_.path, sizeof found_.path) == nullptr) {
            doubt_missing(errno);
            return;
        }
        memcpy(rest_, path, length + 1);
        if (path[0] != '/' && !put_in_front(found_.path)) {
            return;
        }
        start_at_root();
        while (found_.is_given() && !is_over()) {
            step();
        }
    }
    ~walk() { become(-1); }
    walk(const walk &) = delete;
    walk &operator=(const walk &) = delete;

private:
    void become(int descriptor) {
        if (here_ >= 0) {
            close(here_);
        }
        here_ = descriptor;
    }

    void doubt_missing(int error) {
        found_.why = doubt::missing;
        found_.error = error;
    }

    // `start` + "/" + what is left.
    bool put_in_front(const char *start) {
        const std::size_t length = strlen(start);
        const std::size_t left = strlen(rest_);
        if (length + 1 + left >= sizeof rest_) {
            doubt_missing(ENAMETOOLONG);
            return false;
        }
        memmove(rest_ + length + 1, rest_, left + 1);
        memcpy(rest_, start, length);
        rest_[length] = '/';
        return true;
    }

    // Drops what names no part.
    bool is_over() {
        std::size_t skipped = 0;
        while (rest_[skipped] == '/' ||
               (rest_[skipped] == '.' && (rest_[skipped + 1] == '/' || rest_[skipped + 1] == 0))) {
            ++skipped;
        }
        memmove(rest_, rest_ + skipped, strlen(rest_ + skipped) + 1);
        return rest_[0] == 0;
    }

    void start_at_root() {
        found_.path[0] = '/';
        found_.path[1] = 0;
        become(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        look(here_);
    }

    void step() {
        char name[256];
        const std::size_t length = strcspn(rest_, "/");
        if (length >= sizeof name) {
            doubt_missing(ENAMETOOLONG);
            return;
        }
        memcpy(name, rest_, length);
        name[length] = 0;
        memmove(rest_, rest_ + length, strlen(rest_ + length) + 1);
        const std::size_t before = strlen(found_.path);
        if (strcmp(name, "..") == 0) {
            found_.path[before > 1 ? strrchr(found_.path, '/') - found_.path : 1] = 0;
            if (found_.path[0] == 0) {
                memcpy(found_.path, "/", 2);
            }
        } else if (!append(name, length)) {
            return;
        }
        const int next = openat(here_, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        look(next);
        if (next >= 0 && found_.is_given() && found_.is_link) {
            follow(next, before);
            close(next);
        } else {
            become(next);
        }
    }

    bool append(const char *name, std::size_t length) {
        std::size_t end = strlen(found_.path);
        if (end + 1 + length >= sizeof found_.path) {
            doubt_missing(ENAMETOOLONG);
            return false;
        }
        if (end > 1) {
            found_.path[end++] = '/';
        }
        memcpy(found_.path + end, name, length + 1);
        return true;
    }

    void look(int descriptor) {
        struct stat status {};
        if (descriptor < 0 || fstat(descriptor, &status) != 0) {
            doubt_missing(errno);
            return;
        }
        const bool goes_on = !is_over();
        const bool written = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
        found_.owner = status.st_uid;
        found_.is_link = S_ISLNK(status.st_mode);
        found_.is_folder = S_ISDIR(status.st_mode);
        if (!is_trusted_user(status.st_uid)) {
            found_.why = doubt::owner;
        } else if (found_.is_link) {
            return; // its own bits say nothing
        } else if (!found_.is_folder && (goes_on || !S_ISREG(status.st_mode))) {
            found_.why = doubt::kind;
        } else if (written && !(goes_on && (status.st_mode & S_ISVTX) != 0)) {
            found_.why = doubt::writable;
        }
    }

    // Where the link leads comes before what is left.
    void follow(int link, std::size_t before) {
        char target[sizeof rest_];
        const ssize_t length = readlinkat(link, "", target, sizeof target - 1);
        if (length <= 0 || ++links_ > most_links) {
            doubt_missing(length < 0 ? errno : ELOOP);
            return;
        }
        target[length] = 0;
        if (!put_in_front(target)) {
            return;
        }
        found_.path[before] = 0;
        if (target[0] == '/') {
            start_at_root();
        }
    }

    trust &found_;
    int here_ = -1;
    int links_ = 0;
    char rest_[4096]; // what is still to be looked at
};

} // namespace

bool has_raised_privileges() noexcept { return getauxval(AT_SECURE) != 0; }

void look_at(const char *path, trust &found) noexcept { const walk here(path, found); }

void describe(const trust &found, const char *path, objection &against) noexcept {
    const char *what = "";
    char owner[64];
    memcpy(against.remedy, "put it there again", sizeof "put it there again");
    switch (found.why) {
    case doubt::none:
        break;
    case doubt::owner:
        snprintf(owner, sizeof owner, "belongs to user %u", found.owner);
        what = owner;
        snprintf(against.remedy, sizeof against.remedy, "run 'chown %sroot %.900s'",
                 found.is_link ? "-h " : "", found.path);
        break;
    case doubt::writable:
        what = "can be changed by others";
        snprintf(against.remedy, sizeof against.remedy, "run 'chmod go-w %.900s'", found.path);
        break;
    case doubt::kind:
        what = "is no file to read";
        break;
    case doubt::missing:
        what = strerror(found.error);
        break;
    }
    snprintf(against.problem, sizeof against.problem,
             "this process has raised privileges and does not use %.900s: %.900s %s", path,
             found.path, what);
}

} // namespace epy
