"""What the gate goes by: where people stand, the rules that follow, its answers, and those that something rests on."""
