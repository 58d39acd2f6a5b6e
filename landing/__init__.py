"""Opens what lies in a landing zone on this machine, and nothing else. It knows no warehouse."""
