"""An hour of everything going wrong: a real installation under load, faults and kill -9, and a verdict at the end."""
