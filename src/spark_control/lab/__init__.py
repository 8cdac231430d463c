"""A fleet of Sparks that is not there: real SSH, real shells and real processes on loopback."""
