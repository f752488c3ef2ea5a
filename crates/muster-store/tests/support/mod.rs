//! Faults, by kind.

mod backup;

mod child;

mod corrupt;

mod crash;

mod disk;

mod locks;

mod taken;

mod size;

mod wear;

mod views;
