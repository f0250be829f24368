"""Several classes of one host: objects of each in the others' methods, and functions in both."""

from __future__ import annotations

import pytest

SCRIPT = """
import gc
import weakref

import epy

Node = epy.host_class("Node")
Light = epy.host_class("Light")
references = []

class Spinner(Node):
    def __init__(self, speed):
        self.speed = speed
        references.append(weakref.ref(self))

class Lamp(Light):
    pass

def build(root, count):
    for i in range(count):
        one = Spinner(i)
        one.set_name(f"s{i}")
        root.add(one)
    assert [root.child(i).speed for i in range(count)] == list(range(count))
    assert root.child(0) is root.child(0) and root.child(99) is None
    assert root.child(0).parent() is root and root.child(1).name() == "s1"

def light(root):
    lamp = Lamp()
    lamp.color = "red"
    assert root.light() is None
    root.set_light(lamp)

def color(root):
    return root.light().color

def watch(root):
    changes = []
    def changed(context, angle):
        changes.append((context == root.address, angle))
        return 3
    assert root.set_angle(1.5) == 0
    root.watch(changed)
    assert root.set_angle(2.5) == 3
    root.watch(changed)
    assert root.watches() == 1                # the same function, the same address
    made = epy.callback("int (*)(void *, double)", lambda context, angle: 5)
    root.watch(made)
    assert root.set_angle(3.5) == 5 and root.watches() == 2
    root.watch(None)
    assert root.set_angle(4.5) == 0 and changes == [(True, 2.5)]

def refused(root):
    for use, said in (
        (lambda: root.set_light(root), "expected the host's Light, got <epy.Node "),
        (lambda: root.add(Light()), "expected the host's Node, got <epy.Light "),
        (lambda: root.watch(5), "expected a function or None, got 5"),
        (lambda: Node.add(5, root), "expected the host's Node, got 5"),
    ):
        try:
            use()
        except epy.ArgumentError as error:
            assert said in str(error), error
        else:
            raise AssertionError(said)

class Both(Node, Light):
    pass

class Imitation:
    __class__ = Node
    address = 5

def other_classes(root):
    light = Lamp()
    spinner = Spinner(1)
    spinner.__class__ = Node                  # of the same kind
    assert type(spinner) is Node and spinner.__class__ is Node
    for one, cls in ((light, Node), (light, Spinner), (spinner, Light), (spinner, Imitation)):
        before = type(one)
        try:
            one.__class__ = cls
        except TypeError as error:
            assert f"cannot become {cls.__name__}" in str(error), error
        else:
            raise AssertionError(cls)
        assert type(one) is before
    object.__dict__["__class__"].__set__(light, Spinner)
    both = Both()
    for use, said in (
        (lambda: root.add(light), "expected the host's Node"),
        (lambda: light.set_name("x"), "expected the host's Node"),
        (lambda: root.set_light(both), "expected the host's Light"),
        (lambda: root.add(Imitation()), "expected the host's Node"),
        (lambda: Node.name(None), "expected the host's Node, got None"),
        (lambda: root.watch(spinner), "expected a function or None, got <epy.Node"),
    ):
        try:
            use()
        except epy.ArgumentError as error:
            assert said in str(error), error
        else:
            raise AssertionError(said)
    assert both.name() == "" and root.add(both) is None
    return light

def alive():
    gc.collect()
    return sum(one() is not None for one in references)

@epy.export("int anything(void)")
def anything():
    return 0
"""

HOST = """
#include <epy.hpp>

#undef NDEBUG
#include <cassert>
#include <string>
#include <vector>

class Light : public epy::host_class<Light> {};

using watcher = int (*)(void *, double);

class Node : public epy::host_class<Node> {
public:
    ~Node() {
        for (Node *child : children) {
            child->parent = nullptr;
            child->release();
        }
        if (light != nullptr) {
            light->release();
        }
    }
    std::vector<Node *> children;
    std::vector<watcher> watched;
    Node *parent = nullptr;
    Light *light = nullptr;
    watcher watches = nullptr;
    std::string name;
};

static void node_add(Node *self, Node *child) {
    child->retain();
    child->parent = self;
    self->children.push_back(child);
}
static Node *node_child(Node *self, unsigned index) {
    return index < self->children.size() ? self->children[index] : nullptr;
}
static Node *node_parent(Node *self) { return self->parent; }
static void node_set_name(Node *self, const char *name) { self->name = name; }
static const char *node_name(Node *self) { return self->name.c_str(); }
static void node_set_light(Node *self, Light *light) {
    light->retain();
    self->light = light;
}
static Light *node_light(Node *self) { return self->light; }
static void node_watch(Node *self, watcher function) {
    self->watches = function;
    for (watcher one : self->watched) {
        if (one == function) {
            return;
        }
    }
    if (function != nullptr) {
        self->watched.push_back(function);
    }
}
static int node_watches(Node *self) { return static_cast<int>(self->watched.size()); }
static int node_set_angle(Node *self, double angle) {
    return self->watches == nullptr ? 0 : self->watches(self, angle);
}

int main(int argc, char **argv) {
    static const epy_method of_node[] = {
        {"void node_add(Node *self, Node *child)", epy::method(node_add), "add"},
        {"Node *node_child(Node *self, unsigned index)", epy::method(node_child), "child"},
        {"Node *node_parent(const Node *self)", epy::method(node_parent), "parent"},
        {"void node_set_name(Node *, const char *name)", epy::method(node_set_name), "set_name"},
        {"const char *node_name(Node *self)", epy::method(node_name), "name"},
        {"void node_set_light(Node *self, Light *)", epy::method(node_set_light), "set_light"},
        {"Light *node_light(Node *self)", epy::method(node_light), "light"},
        {"void node_watch(Node *, int (*f)(void *, double))", epy::method(node_watch), "watch"},
        {"int node_watches(Node *)", epy::method(node_watches), "watches"},
        {"int node_set_angle(Node *, double angle)", epy::method(node_set_angle), "set_angle"},
        {nullptr, nullptr, nullptr},
    };
    static const bool first = (Node::register_as("Node", of_node),
                               Light::register_as("Light", nullptr), true);
    const epy::plugin script(dlopen(argv[argc - 1], RTLD_NOW));
    assert(first);
    script.start();
    Node *root = new Node;
    {
        const epy::object wrapper = root->wrapper();
        %s
    }
    root->release();
    assert(script.call("alive").as<int>() == 0);
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body):
        run(epy_host(HOST % body, compiler="g++"), build_plugin(SCRIPT))

    return played


def test_a_tree_keeps_its_nodes_python_side(played):
    played(
        """
        script.call("build", "Oi", wrapper.get(), 20);
        assert(script.call("alive").as<int>() == 20);
        Node *third = root->children[3];
        assert(third->wrapper().attribute("speed").as<int>() == 3);
        """
    )


def test_a_method_takes_and_gives_objects_of_another_class(played):
    played(
        """
        script.call("light", "O", wrapper.get());
        assert(script.call("color", "O", wrapper.get()).as<std::string>() == "red");
        script.call("refused", "O", wrapper.get());
        """
    )


def test_an_object_is_what_it_wraps(played):
    """Whatever Python class it has, or says that it has."""
    played(
        """
        const epy::object light = script.call("other_classes", "O", wrapper.get());
        assert(epy_unwrap(light.get(), "Node") == nullptr && epy_error_matches("TypeError"));
        auto *found = static_cast<Light *>(epy_unwrap(light.get(), "Light"));
        assert(found != nullptr);
        """
    )


def test_a_method_takes_any_callable_for_a_function_pointer(played):
    played('script.call("watch", "O", wrapper.get());')
