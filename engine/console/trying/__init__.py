"""What takes long, or runs what somebody has just written: in processes of its own, bounded in time and memory."""
